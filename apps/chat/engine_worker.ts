// The dedicated worker that runs the engine.

import { serve } from "@fennec/engine/worker";

serve();
