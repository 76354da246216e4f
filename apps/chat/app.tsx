// The whole page: header, and either the choice of a model, its loading, or the conversation.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Controller } from "./chat_controller";
import type { ChatState, LoadedModel, Store } from "./chat_state";
import { Composer } from "./composer";
import { Conversation } from "./conversation";
import { DeviceNotice } from "./device_notice";
import { LoadingView } from "./loading_view";
import { ModelPicker } from "./model_picker";
import { ProblemNotice } from "./problem_notice";
import { SettingsDialog } from "./settings_dialog";

export function App({ store, controller }: { store: Store<ChatState>; controller: Controller }) {
  const state = useStore(store);
  const settings = useRef<HTMLDialogElement>(null);
  const { model, loading, problem, device } = state;
  return (
    <>
      <header class="bar">
        <h1>Fennec</h1>
        {model && <ModelLabel model={model} />}
        <div class="bar-actions">
          {model && state.messages.length > 0 && (
            <button type="button" onClick={controller.newConversation}>
              New
            </button>
          )}
          {model && (
            <button type="button" onClick={controller.closeModel}>
              Models
            </button>
          )}
          <button type="button" onClick={() => settings.current?.showModal()}>
            Settings
          </button>
        </div>
      </header>
      <main>
        {problem && <ProblemNotice problem={problem} onDismiss={controller.dismissProblem} />}
        {device && <DeviceNotice device={device} onDismiss={controller.dismissDevice} />}
        {loading && <LoadingView loading={loading} onCancel={controller.cancelLoading} />}
        {!loading && !model && <ModelPicker kept={state.kept} noGpu={state.noGpu} controller={controller} />}
        {!loading && model && <Conversation state={state} model={model} controller={controller} />}
      </main>
      {!loading && model && (
        <Composer mode={model.mode} generating={state.generating} onSend={controller.send} onStop={controller.stop} />
      )}
      <p class="unseen" role="status">
        {announcement(state)}
      </p>
      <SettingsDialog
        dialog={settings}
        settings={state.settings}
        mode={model?.mode ?? "conversation"}
        onChange={controller.changeSettings}
      />
    </>
  );
}

function ModelLabel({ model }: { model: LoadedModel }) {
  return (
    <p class="model-label">
      <strong>{model.name}</strong>
      <span title={model.reason ?? "Where the model runs"}>{model.adapter}</span>
    </p>
  );
}

/** For screen readers: changes of state, not every token. */
function announcement({ loading, model, generating, messages }: ChatState): string {
  if (loading) return "Loading the model";
  if (!model) return "";
  if (generating) return "The model is writing";
  return messages.at(-1)?.role === "assistant" ? "The answer is complete" : `${model.name} is ready`;
}

function useStore<T>(store: Store<T>): T {
  const [state, setState] = useState(store.get);
  useEffect(() => store.subscribe(() => setState(store.get())), [store]);
  return state;
}
