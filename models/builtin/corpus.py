"""Writes the corpus of the built-in model: stories and chats about them, from a grammar and a lexicon, all ours.

    python corpus.py --out WORK

gives WORK/train.txt and three held-out files, one JSON string (one document) per line. Everything follows from the seed.

- heldout_seed.txt      trained words and phrasings, other dice: how well the distribution is learned
- heldout_lexicon.txt   heroes, things, names and helpers that training never uses: whether the model copies
- heldout_full.txt      held-out words asked for in held-out phrasings: the split that the model card quotes

Held out are one word in eight of each list (by checksum) and the last phrasing of each list of four or more user phrasings. What the
model answers always uses the same sentence templates: it should answer new questions in the words it knows.

The file has three layers: words (`Lexicon`), stories (`PLOTS`, `Story`), and conversations (the `turn_*` and `talk_*`
functions, listed with their weights at the end).
"""

import argparse
import json
import random
import re
import zlib
from pathlib import Path

import lexicon as words

SYSTEM_PROMPTS = [
    "You are a helpful assistant.",
    "You are Fennec, a small built-in model.",
    "You tell short stories for children.",
    "You are a friendly storyteller.",
    "Answer briefly.",
    "You are a small, kind assistant.",
    "Keep your answers short and simple.",
    "You are an assistant that runs on the user's own device.",
]


# --- Words ---------------------------------------------------------------------------------------------------------


def capital(text):
    return text[:1].upper() + text[1:]


def article(noun):
    """"fox" to "a fox", "old owl" to "an old owl"."""
    vowel = noun[0].lower() in "aeiou" and not re.match(r"(uni|use|eu|one)", noun)
    return ("an " if vowel else "a ") + noun


def is_held_out(word):
    return zlib.crc32(word.encode()) % 8 == 0


class Lexicon:
    """Draws words for one document. `new_words` and `new_phrasings` choose the held-out side of the two splits.

    `invented_share` of the heroes and things that a user asks for are words that do not exist.
    """

    def __init__(self, dice, new_words=False, new_phrasings=False, invented_share=0.07):
        self.dice = dice
        self.invented_share = invented_share
        self.new_words = new_words
        self.new_phrasings = new_phrasings

    def word(self, options):
        """A word that a story is about: always from this split's side."""
        side = [w for w in options if is_held_out(w if isinstance(w, str) else w[-1]) == self.new_words]
        return self.dice.choice(side or options)

    def any(self, options):
        """An answer's phrasing or a background word: the same in every split."""
        return self.dice.choice(options)

    def ask(self, options):
        """A user's phrasing: the last of four or more is held out."""
        if len(options) < 4:
            return self.dice.choice(options)
        return options[-1] if self.new_phrasings else self.dice.choice(options[:-1])

    def chance(self, p):
        return self.dice.random() < p

    def invented(self):
        """A word nobody has seen, so that copying it piece by piece is the only way. Held-out ones end differently."""
        if not self.new_words and self.chance(0.4):  # the head of one word and the tail of another
            head, tail = (self.word(words.THINGS + words.CHARACTERS).split()[-1] for _ in range(2))
            return head[: self.dice.randrange(2, 5)] + tail[-self.dice.randrange(2, 5) :]
        parts = [self.any("b|br|c|d|dr|f|fl|g|gr|h|j|k|l|m|n|p|pl|qu|r|s|sh|sn|t|tr|v|w|y|z|th|cl".split("|"))]
        for _ in range(self.dice.choice([1, 1, 2])):
            parts.append(self.any("a|e|i|o|u|ee|oo|ai|au".split("|")))
            parts.append(self.any("b|bb|d|dd|g|l|ll|m|mm|n|nd|nt|p|r|rr|rk|s|st|t|v|x|z|zz|ck|lk|mp".split("|")))
        ending = self.any(["ump", "ix", "oth", "ery"] if self.new_words else "|a|o|le|y|er|in|us|et|an|ock".split("|"))
        return "".join(parts) + ending

    def name(self, common=False):
        """A name and whether "she" goes with it."""
        she = self.chance(0.5)
        if common:
            name = self.any(words.HELPER_NAMES)
            return name, name in words.SHE_NAMES
        if self.chance(max(0.25, self.invented_share)):
            return capital(self.invented()), she
        return self.word(words.SHE_NAMES if she else words.HE_NAMES), she


# --- Stories -------------------------------------------------------------------------------------------------------


class Hero:
    """Someone in a story: noun "fox", phrase "brave little fox", perhaps a name, and pronouns.

    `common` is for those whom the user did not ask for: few words, nothing held out, nothing invented.
    """

    def __init__(self, lex, named=None, plain=False, common=False):
        self.adjectives = []
        if common:
            self.noun = lex.any(words.HELPERS)
            self.adjectives = [lex.any(words.HELPER_ADJECTIVES)] if lex.chance(0.25) and self.noun != "old man" else []
            named = lex.chance(0.3) if named is None else named
        else:
            self.noun = lex.invented() if lex.chance(lex.invented_share) else lex.word(words.CHARACTERS)
        if not plain and not common:
            manner, looks = lex.any([(0, 0), (0, 0), (0, 0), (1, 0), (1, 0), (0, 1), (1, 1)])
            self.adjectives = [lex.word(words.MANNERS)] * manner + [lex.word(words.LOOKS)] * looks
            self.adjectives = [a for a in self.adjectives if a not in self.noun]
        self.name, self.she = lex.name(common)
        if self.noun in ("boy", "king", "prince", "grandfather", "old man", "wizard", "monk", "clown"):
            self.she = False
        if self.noun in ("girl", "queen", "princess", "grandmother", "old woman", "witch", "mermaid", "fairy"):
            self.she = True
        if named is not None:
            named_now = named
        else:
            named_now = lex.chance(0.5)
        if not named_now:
            self.name = None
        self.name_only = False

    @property
    def phrase(self):
        return " ".join([*self.adjectives, self.noun])

    @property
    def intro(self):
        """How a story first mentions the hero: "a brave fox named Mira"."""
        if self.name_only:
            return self.name
        return article(self.phrase) + (f" named {self.name}" if self.name else "")

    def mention(self, lex):
        if self.name_only:
            return self.name
        if self.name:
            return self.name if lex.chance(0.65) else "the " + self.noun
        return "the " + (self.noun if lex.chance(0.8) else self.phrase)

    @property
    def short(self):
        return self.name or "the " + self.noun

    @property
    def title(self):
        return self.name if self.name_only else "The " + titled(self.noun)

    def pronoun(self, key):
        return {"he": ("he", "she"), "his": ("his", "her"), "him": ("him", "her"), "himself": ("himself", "herself")}[key][self.she]


class Thing:
    """An object: head "kite", phrase "red kite". `common` as for heroes."""

    def __init__(self, lex, common=False):
        if common:
            self.noun = lex.any(words.COMMON_THINGS)
            self.adjectives = [lex.any(words.COMMON_COLORS)] if lex.chance(0.4) else []
            return
        self.noun = lex.invented() if lex.chance(lex.invented_share) else lex.word(words.THINGS)
        self.adjectives = []
        if lex.chance(0.55):
            adjective = lex.word(words.THING_ADJECTIVES)
            if adjective not in self.noun:
                self.adjectives = [adjective]

    @property
    def phrase(self):
        return " ".join([*self.adjectives, self.noun])

    @property
    def intro(self):
        return article(self.phrase)

    def mention(self, lex):
        return "the " + (self.phrase if lex.chance(0.5) else self.noun)

    @property
    def short(self):
        return "the " + self.phrase

    @property
    def title(self):
        return "the " + titled(self.phrase)


def titled(phrase):
    return " ".join(capital(w) for w in phrase.split())


# A plot is a list of steps; each step is a list of phrasings of the same event, so that any choice stays coherent.
# An empty phrasing means the step may be left out. Keys: h hero, b helper, c someone else, o the thing, k1 to k3 places
# ("the barn"), p1 to p3 with preposition ("behind the barn"); an_* introduces; a capital key begins a sentence; n_* is the plain
# name of the hero or helper, n_o the thing in full.
PLOTS = {
    "lost": {
        "asks": ["who lost {an_o}", "who lost {an_o}", "who has lost {an_o}", "who dropped {an_o}", "who forgot {an_o}", "who misplaced {an_o}"],
        "steps": [
            ["{Opening} {an_h} who loved {his} {f_o} more than anything.", "{Opening} {an_h}. {He} had {an_o}, and {he} took it everywhere.",
             "{Opening} {an_h}. Every day {he} played with {his} {f_o}."],
            ["{Time} {h} looked for {o}, but it was gone.", "{Time} {h} went for a walk, and when {he} came home, {o} was gone.",
             "{Time} the wind was so strong that {h} dropped {o} and lost it.", "{Time} {h} woke up and could not find {o}. It was lost."],
            ["{H} was {sad}.", "\"Oh no!\" cried {h}. \"Where is my {f_o}?\"", "{H} felt {sad} and sat down to think."],
            ["{He} looked {p1}, but {o} was not there.", "First {he} searched {p1}. There was nothing but dust.", "{He} ran to {k1} and looked everywhere, but found nothing."],
            ["Then {he} looked {p2}, but it was not there either.", "Next {he} went to {k2}. No luck.", ""],
            ["At {k2} {he} met {an_b}. \"Why are you so {sad}?\" asked {b}.", "Just then {an_b} came along and asked, \"What is wrong?\"",
             "{An_b} heard {him} crying and came to help."],
            ["\"I lost my {f_o},\" said {h}. \"Can you help me?\"", "{H} told {b} about {o}."],
            ["\"Think back,\" said {b}. \"Where did you have it last?\"", "\"Let us look together,\" said {b}. \"Four eyes see more than two.\"",
             "{B} thought for a while and said, \"I saw something {p3} today.\""],
            ["They went to {k3} together, and there it was: {o}, {p3}!", "So they looked {p3}, and there was {o}, safe and sound.",
             "Together they searched {p3} until {b} called, \"Here it is!\" It was {o}."],
            ["{H} was so {glad} that {he} gave {b} {reward}.", "\"Thank you!\" said {h}, and {he} hugged {b}.", "{H} danced with joy and thanked {b}."],
            ["From that day on, {h} always took good care of {o}.", "And {h} never lost {o} again.", "Since that day {h} and {b} have been good friends.", "That night {h} slept with {o} beside {him}."],
        ],
        "summary": ["{N_h} lost {n_o}. {N_b} helped {him} look, and they found it {p3}.", "{An_h} lost {an_o} and was {sad}. With the help of {n_b}, {he} found it {p3}."],
        "moral": "When you lose something, look with a friend.",
        "questions": [
            (["What did {n_h} lose?", "what was lost?", "what did {he} lose?", "Which thing did {n_h} lose?"], ["{N_h} lost {n_o}.", "{He} lost {n_o}."]),
            (["Where was {n_o}?", "where did they find it?", "Where did they find {n_o}?", "In which place was {n_o} found?"], ["It was {p3}.", "They found {n_o} {p3}."]),
            (["Who helped {n_h}?", "who helped?", "Who helped find {n_o}?", "Tell me who helped {n_h}."], ["{N_b} helped {n_h}.", "{N_b} did."]),
            (["How did {n_h} feel at first?", "how did {he} feel?", "Why was {n_h} {sad}?", "What made {n_h} {sad}?"], ["{N_h} was {sad}, because {n_o} was lost."]),
            (["Where did {n_h} look first?", "where did {he} look first?"], ["First {he} looked {p1}."]),
            (["Did they find it {p1}?", "Was {n_o} {p1}?"], ["No, it was {p3}."]),
            (["Did they find it {p3}?", "Was {n_o} {p3}?"], ["Yes, it was {p3}."]),
        ],
    },
    "found": {
        "asks": ["who found {an_o}", "who found {an_o}", "who finds {an_o}", "who discovered {an_o}", "who dug up {an_o}", "who came across {an_o}"],
        "steps": [
            ["{Opening} {an_h}.", "{Opening} {an_h} who liked to look for interesting things.", "{Opening} {an_h} who often went for long walks."],
            ["{Time} {h} found {an_o} {p1}.", "{Time} {he} walked to {k1}, and there {he} found {an_o}.", "{Time} something was lying {p1}. {H} looked closer and found {an_o}."],
            ["\"What a nice {f_o}!\" said {h}. \"Whose can it be?\"", "{H} wanted to keep {o}, but {he} knew that someone must miss it.",
             "\"I must find out who lost this {f_o},\" thought {h}."],
            ["First {he} asked {an_b}. \"It is not mine,\" said {b}. \"Try asking {p2}.\"", "{He} showed {o} to {an_b}, who shook {b_his} head. \"Not mine. Go to {k2} and ask there.\""],
            ["So {h} carried {o} to {k2}.", "{H} walked all the way to {k2} with {o}.", "{H} thanked {n_b} and set off for {k2}."],
            ["There sat {an_c}, looking {sad}.", "There {he} met {an_c}, who was looking for something."],
            ["\"My {f_o}!\" cried {c}. \"I lost it and looked for it everywhere.\"", "When {c} saw {o}, {c_he} jumped with joy. \"That is mine!\""],
            ["{H} gave {o} back at once.", "{H} was glad to give {o} back.", "\"Here you are,\" said {h}, and gave {o} back."],
            ["{C} thanked {h} and gave {him} {reward}.", "\"You are very honest,\" said {c}, and gave {him} {reward}."],
            ["{H} went home feeling {glad}.", "{H} was {glad} all day.", "And so {h} had found not only {an_o} but also a friend."],
        ],
        "summary": ["{N_h} found {n_o} {p1} and gave it back to {n_c}.", "{An_h} found {an_o} {p1}. It belonged to {n_c}, and {he} gave it back."],
        "moral": "It feels good to give back what you find.",
        "questions": [
            (["What did {n_h} find?", "what was found?", "what did {he} find?", "Which thing did {n_h} find?"], ["{N_h} found {n_o}.", "{He} found {n_o}."]),
            (["Where did {n_h} find {n_o}?", "where was it?", "Where was {n_o}?", "In which place was {n_o}?"], ["It was {p1}.", "{N_h} found it {p1}."]),
            (["Who had lost {n_o}?", "whose was it?", "Who did {n_o} belong to?", "Tell me who the owner of {n_o} was."], ["It belonged to {n_c}."]),
            (["Who did {n_h} ask first?", "who did {he} ask?"], ["First {he} asked {n_b}."]),
            (["What did {n_h} get from {n_c}?", "what was the reward?"], ["{N_c} gave {him} {reward}."]),
            (["Did {n_h} keep {n_o}?", "did {he} keep it?"], ["No, {he} gave it back to {n_c}."]),
        ],
    },
    "broke": {
        "asks": ["who broke {an_o}", "who broke {an_o}", "who cracked {an_o}", "who ruined {an_o}", "who damaged {an_o}", "who smashed {an_o}"],
        "steps": [
            ["{Opening} {an_h}. {His} best friend was {an_b}.", "{Opening} {an_h}, who had a friend: {an_b}."],
            ["{Time} {b} let {him} hold {an_o}.", "{Time} {h} went to see {b}, who had {an_o}.", "{Time} {b} showed {him} {b_his} new treasure: {an_o}."],
            ["{H} was careless, and {o} fell down and broke.", "{H} ran too fast with it, fell over, and broke {o}.", "{H} only wanted to look, but {o} slipped out of {his} hands. Crack! It broke."],
            ["At first {h} wanted to hide the pieces {p1}.", "{H} felt {sad}. {He} thought of hiding the pieces {p1}.", "{H} was {sad} and hid {p1}."],
            ["But then {he} thought, \"It is better to tell the truth.\"", "But a lie would only make it worse, {he} thought."],
            ["{He} went to {b} and said, \"I broke your {f_o}. I am sorry.\"", "\"I am so sorry,\" {he} said to {b}. \"I broke {o}.\""],
            ["{B} was quiet for a moment and then smiled. \"Thank you for telling me. Let us fix it.\"", "\"It was an accident,\" said {b}. \"We can mend it together.\""],
            ["They took glue and some {material} and worked all afternoon {p2}.", "With a little glue and some {material} they mended it."],
            ["Soon {o} was as good as new.", "In the end {o} looked even better than before."],
            ["{H} was {glad} that {he} had told the truth.", "{H} felt {glad}, and {b} gave {him} {reward}.", "They were better friends than ever."],
        ],
        "summary": ["{N_h} broke {n_o}, told {n_b} the truth, and they mended it together.", "{An_h} broke {an_o} that belonged to {n_b}. {He} said sorry, and they fixed it."],
        "moral": "It is best to tell the truth.",
        "questions": [
            (["What did {n_h} break?", "what broke?", "what did {he} break?", "Which thing did {n_h} break?"], ["{N_h} broke {n_o}.", "{He} broke {n_o}."]),
            (["Whose was {n_o}?", "whose was it?", "Who did {n_o} belong to?", "Tell me who owned {n_o}."], ["It belonged to {n_b}."]),
            (["How did they fix {n_o}?", "how did they fix it?"], ["They mended it with glue and some {material}."]),
            (["Was {n_b} angry?", "was {n_b} angry with {n_h}?"], ["No, {n_b} was glad to hear the truth."]),
            (["What did {n_h} say to {n_b}?", "what did {he} say?"], ["{N_h} said that {he} was sorry."]),
        ],
    },
    "made": {
        "asks": ["who made {an_o}", "who made {an_o}", "who built {an_o}", "who wanted to make {an_o}", "who wants to build {an_o}", "who created {an_o}"],
        "steps": [
            ["{Opening} {an_h} who liked to make things.", "{Opening} {an_h}. {He} had clever hands.", "{Opening} {an_h} who was always busy making something."],
            ["{Time} {h} decided to make {an_o}.", "{Time} {he} said, \"Today I will make {an_o}.\"", "{Time} {h} dreamed of {an_o}, so {he} wanted to make one."],
            ["{He} looked for {material} {p1} and began to work.", "{He} went to {k1} to get {material}, and then {he} began."],
            ["But {o} fell apart.", "But the first {f_o} did not hold together.", "It was hard, and the first try went wrong."],
            ["{H} was {sad} and almost gave up.", "\"I will never make it,\" said {h}, feeling {sad}."],
            ["Then {an_b} came by. \"Do not give up,\" said {b}. \"Go slowly, one piece at a time.\"", "{An_b} saw {him} and said, \"I can help you. Hold it here, and I will tie it.\""],
            ["{H} tried again, and {b} helped.", "So they worked together until it was dark.", "They worked side by side {p2}."],
            ["At last {o} was ready, and it was beautiful.", "At last they had made {an_o}, the best in the land."],
            ["{H} was {glad}.", "{H} showed {o} to everyone {p3}.", "Everybody came to see {o}."],
            ["{H} and {b} shared {o} from that day on.", "{H} thanked {b} with {reward}.", "\"We made it together,\" said {h}, \"so it is ours.\""],
        ],
        "summary": ["{N_h} made {n_o} from {material}. The first try went wrong, but {n_b} helped.", "{An_h} wanted to make {an_o}. With the help of {n_b}, it worked."],
        "moral": "Do not give up: try again, and let others help.",
        "questions": [
            (["What did {n_h} make?", "what was made?", "what did {he} make?", "Which thing did {n_h} make?"], ["{N_h} made {n_o}.", "{He} made {n_o}."]),
            (["What was {n_o} made of?", "what was it made of?", "What did {n_h} use?", "Which material did {n_h} use?"], ["It was made of {material}."]),
            (["Who helped {n_h}?", "who helped?", "Who helped make {n_o}?", "Tell me who helped {n_h}."], ["{N_b} helped {n_h}.", "{N_b} did."]),
            (["Did the first try work?", "did it work at once?"], ["No, the first try went wrong."]),
            (["Where did {n_h} get the {material}?", "where was the {material}?"], ["The {material} was {p1}."]),
        ],
    },
    "wanted": {
        "asks": ["who wanted {an_o}", "who wanted {an_o}", "who wants {an_o}", "who bought {an_o}", "who wished for {an_o}", "who dreamed of {an_o}"],
        "steps": [
            ["{Opening} {an_h}.", "{Opening} {an_h} who had very little money."],
            ["{Time} {h} saw {an_o} at the market and wanted it very much.", "{Time} {he} saw {an_o} in a shop window. \"I wish I had it,\" said {h}.", "More than anything, {h} wanted {an_o}."],
            ["But {o} cost ten coins, and {he} had none.", "But {he} had only one coin, and {o} cost ten."],
            ["So {he} asked {an_b} for work.", "{He} went to {an_b} and asked, \"Is there some work for me?\""],
            ["\"You may clean up {p1},\" said {b}.", "\"Yes,\" said {b}. \"Carry this wood to {k1}.\""],
            ["{H} worked hard for three days.", "{H} worked from morning to night.", "It was hard work, but {h} did not stop."],
            ["On the last day {b} paid {him} ten coins.", "Then {b} gave {him} ten coins and {reward}."],
            ["{H} ran to the shop and bought {o}.", "{H} hurried back, and soon {o} was {his} own."],
            ["On the way home {he} met {an_c}, who looked {sad}. So {h} let {c_him} play with {o} too.", "{He} took {o} to {k2} and shared it with {an_c}."],
            ["{H} was {glad}, for {he} had earned {o} {himself}.", "\"It is nicer because I worked for it,\" said {h}.", "And {o} stayed with {h} for many years."],
        ],
        "summary": ["{N_h} wanted {n_o}, worked for {n_b} to earn ten coins, and bought it.", "{An_h} wanted {an_o}. {He} worked hard and bought it."],
        "moral": "What you work for is worth more.",
        "questions": [
            (["What did {n_h} want?", "what did {he} want?", "What did {n_h} buy?", "Which thing did {n_h} want?"], ["{N_h} wanted {n_o}.", "{He} wanted {n_o}."]),
            (["Who gave {n_h} work?", "who gave {him} work?", "Who paid {n_h}?", "Tell me who paid {n_h}."], ["{N_b} did.", "{N_b} gave {him} work."]),
            (["How much did {n_o} cost?", "how much was it?"], ["It cost ten coins."]),
            (["Who did {n_h} share {n_o} with?", "who did {he} share it with?"], ["{N_h} shared it with {n_c}."]),
            (["How did {n_h} get the money?", "how did {he} pay for it?"], ["{He} worked for {n_b}."]),
        ],
    },
    "shared": {
        "asks": ["who shared {an_o}", "who shared {an_o}", "who had {an_o}", "with {an_o}", "who owned {an_o}", "who would not share {an_o}"],
        "steps": [
            ["{Opening} {an_h} who had {an_o}.", "{Opening} {an_h}. {He} had {an_o}, and everyone admired it."],
            ["{H} kept {o} all to {himself}.", "{H} played with {o} alone every day.", "Nobody else was allowed to touch {o}."],
            ["{Time} {an_b} came to {k1} and asked, \"May I play too?\"", "{Time} {an_b} asked, \"Will you share your {f_o} with me?\""],
            ["\"No,\" said {h}. \"It is mine.\" And {b} went away {sad}.", "{H} shook {his} head, and {b} went home {sad}."],
            ["But playing alone was no fun, and {h} felt {sad} too.", "Soon {h} grew bored. {O} was no fun alone."],
            ["So {he} went to look for {b} and found {b_him} {p2}.", "{H} looked for {b} everywhere, and at last found {b_him} {p2}."],
            ["\"I am sorry,\" said {h}. \"Let us share {o}.\"", "\"Come,\" said {h}, \"we can take turns with {o}.\""],
            ["They played with {o} until the sun went down.", "They laughed and played all day {p2}."],
            ["{B} gave {him} {reward} to say thank you.", ""],
            ["\"It is much more fun with two,\" said {h}.", "{H} was {glad}, and from then on {he} always shared {o}."],
        ],
        "summary": ["{N_h} did not want to share {n_o}. But it was no fun alone, so {he} shared it with {n_b}.", "{An_h} had {an_o} and learned to share it with {n_b}."],
        "moral": "Things are more fun when you share them.",
        "questions": [
            (["What did {n_h} have?", "what did {he} have?", "What did {n_h} share?", "Which thing did {n_h} have?"], ["{N_h} had {n_o}.", "{He} had {n_o}."]),
            (["Who wanted to play with {n_o}?", "who wanted to play?", "Who did {n_h} share {n_o} with?", "Tell me who wanted to play with {n_o}."], ["{N_b} did."]),
            (["Where did {n_h} find {n_b}?", "where was {n_b}?"], ["{N_b} was {p2}."]),
            (["Why did {n_h} share {n_o}?", "why did {he} change {his} mind?"], ["Because it was no fun to play alone."]),
        ],
    },
    "carried": {
        "asks": ["who carried {an_o}", "who brought {an_o} to a friend", "who gave away {an_o}", "who had to deliver {an_o}", "who gave {an_o} to a friend", "who took {an_o} on a journey"],
        "steps": [
            ["{Opening} {an_h}. {His} friend {n_b} lived far away {p3}.", "{Opening} {an_h}, who had a good friend, {an_b}."],
            ["{Time} {h} wanted to bring {b} a present: {an_o}.", "{Time} it was the birthday of {b}. \"I will bring {b_him} {an_o},\" said {h}."],
            ["{He} packed {o} and set off.", "{He} took {o} and began the long walk."],
            ["Near {k1} it began to rain, and {he} hid {o} under {his} coat.", "At {k1} the wind was strong, so {he} held {o} tight."],
            ["Then {he} came to a river with no bridge.", "Then the road ended at a deep river."],
            ["\"How can I cross?\" asked {h}. {An_c} heard {him} and said, \"I will carry you.\"", "{An_c} sat there and said, \"There are stepping stones. Follow me.\""],
            ["Soon {h} and {o} were safe on the other side.", "They crossed the river, and {o} stayed dry."],
            ["In the evening {h} came to {k3}. \"This is for you,\" {he} said, and gave {o} to {b}.", "At last {he} knocked at the door {p3} and gave {o} to {b}."],
            ["{B} was {glad}. \"What a lovely {f_o}! And you came all this way!\"", "{B} loved {o} and gave {him} {reward}."],
            ["They talked until late, and {h} was {glad} that {he} had come.", "\"The best present is a friend who visits,\" said {b}."],
        ],
        "summary": ["{N_h} carried {n_o} to {n_b}. {N_c} helped {him} cross the river.", "{An_h} made a long journey to give {an_o} to {n_b}."],
        "moral": "The best present is a friend who comes to see you.",
        "questions": [
            (["What did {n_h} carry?", "what was the present?", "What did {n_h} bring?", "Which thing did {n_h} take along?"], ["{N_h} brought {n_o}.", "It was {n_o}."]),
            (["Who got {n_o}?", "who was it for?", "Who was {n_o} for?", "Tell me who got {n_o}."], ["{N_b} got {n_o}."]),
            (["Who helped {n_h} cross the river?", "who helped at the river?"], ["{N_c} helped {him}."]),
            (["Where did {n_b} live?", "where did the friend live?"], ["{N_b} lived {p3}."]),
        ],
    },
    "took": {
        "asks": ["who stole {an_o}", "who took {an_o}", "who borrowed {an_o}", "who hid {an_o}"],
        "steps": [
            ["{Opening} {an_h} who saw {an_o} and wanted it.", "{Opening} {an_h}. {His} neighbor was {an_b}, who had {an_o}."],
            ["{Time}, when nobody was looking, {h} took {o} and hid it {p1}.", "{Time} {h} took {o} without asking and hid it {p1}."],
            ["Soon {b} came by. \"Have you seen my {f_o}?\" asked {b}, looking {sad}.", "Then {h} heard {b} crying. \"My {f_o} is gone!\""],
            ["\"No,\" said {h}, but {his} face turned red.", "{H} said nothing and looked at the ground."],
            ["That night {h} could not sleep. {O} did not make {him} happy.", "All night {he} thought of {b} and felt {sad}."],
            ["In the morning {he} got {o} from its hiding place and brought it back.", "The next day {he} went {p1}, took {o}, and carried it back to {b}."],
            ["\"I took your {f_o},\" said {h}. \"I am sorry.\"", "\"I am sorry that I took it,\" {he} said."],
            ["{B} was glad. \"Next time just ask,\" {b_he} said. \"I like to share.\"", "\"It was brave to tell me,\" said {b}. \"Let us play with it together.\""],
            ["{H} felt {glad}, and they played {p2}.", "After that {h} always asked first, and {b} gave {him} {reward}."],
        ],
        "summary": ["{N_h} took {n_o} from {n_b} and hid it {p1}. Then {he} was sorry and gave it back.", "{An_h} took {an_o} without asking, but brought it back and said sorry."],
        "moral": "Ask before you take.",
        "questions": [
            (["What did {n_h} take?", "what was taken?", "What did {n_h} hide?", "Which thing did {n_h} take?"], ["{N_h} took {n_o}.", "{He} took {n_o}."]),
            (["Where did {n_h} hide {n_o}?", "where was it hidden?", "Where was {n_o}?", "In which place was {n_o}?"], ["It was {p1}."]),
            (["Whose was {n_o}?", "whose was it?"], ["It belonged to {n_b}."]),
            (["Why could {n_h} not sleep?", "why was {he} {sad}?"], ["Because {he} had taken {n_o}."]),
        ],
    },
    "afraid": {
        "asks": ["who was afraid of {fear}", "who was afraid of {fear}", "who is afraid of {fear}", "who feared {fear}", "who was scared of {fear}"],
        "steps": [
            ["{Opening} {an_h} who was afraid of {fear}.", "{Opening} {an_h}. {He} was brave about most things, but {he} was afraid of {fear}."],
            ["{Time} {h} had to go to {k1}, and {he} began to shake.", "{Time} {his} friends went to {k1}, but {h} stayed at home because of {fear}."],
            ["\"I cannot do it,\" said {h}. \"I am too afraid.\"", "{H} felt {sad}."],
            ["{An_b} sat down next to {him}. \"I was once afraid of {fear} too,\" said {b}.", "Then {an_b} came and said, \"Everyone is afraid of something.\""],
            ["\"Take this,\" said {b}, and gave {him} {an_o}. \"When you are afraid, hold it and count to three.\"", "{B} gave {him} {an_o}. \"Hold it tight and think of me,\" {b_he} said."],
            ["{H} took {o} and went, step by step.", "So {h} held {o} and walked on."],
            ["One, two, three. {H} looked up, and it was not so bad after all.", "{His} heart was beating fast, but {he} did not run away."],
            ["At {k1} everybody cheered.", "{B} was waiting {p2} and clapped."],
            ["{H} was {glad}. {He} still has {o}, but {he} does not need it anymore.", "From that day on, {h} was not afraid of {fear} anymore."],
        ],
        "summary": ["{N_h} was afraid of {fear}. {N_b} gave {him} {an_o}, and {he} became brave.", "{An_h} learned not to be afraid of {fear}, with the help of {n_b}."],
        "moral": "Being brave means going on although you are afraid.",
        "questions": [
            (["What was {n_h} afraid of?", "what was {he} afraid of?", "What did {n_h} fear?", "Tell me what scared {n_h}."], ["{N_h} was afraid of {fear}."]),
            (["Who helped {n_h}?", "who helped?", "Who gave {n_h} {n_o}?", "Tell me who helped {n_h}."], ["{N_b} helped {n_h}.", "{N_b} did."]),
            (["What did {n_b} give {n_h}?", "what did {he} get?", "What did {n_h} hold?", "Which thing did {n_h} get?"], ["{N_b} gave {him} {n_o}."]),
        ],
    },
    "learned": {
        "asks": ["who wanted to {skill}", "who wanted to {skill}", "who could not {skill}", "who learned to {skill}", "who wants to {skill}", "who learns to {skill}"],
        "steps": [
            ["{Opening} {an_h} who wanted to {skill}.", "{Opening} {an_h}. {He} had one big wish: to {skill}."],
            ["But {he} did not know how.", "Everybody said, \"You cannot {skill}.\""],
            ["{Time} {h} went to {k1} to try, but it went wrong.", "{Time} {he} tried it alone {p1}, but it went wrong."],
            ["{H} felt {sad}.", "\"I will never learn to {skill},\" said {h}."],
            ["{An_b} was watching. \"I can teach you to {skill},\" said {b}.", "Then {he} met {an_b}, who knew how to {skill}."],
            ["Every day they practiced {p2}.", "They met {p2} every morning and practiced."],
            ["On the first day it went badly, on the second day a little better.", "\"Again,\" said {b}, and {h} tried again and again."],
            ["And on the seventh day {h} could do it!", "Then, one day, it worked. {H} could {skill}!"],
            ["{B} gave {him} {an_o} as a prize.", "\"Well done!\" said {b}, and gave {him} {an_o}."],
            ["{H} was {glad}. Now {he} teaches others to {skill}.", "Since then {h} loves to {skill} every day."],
        ],
        "summary": ["{N_h} wanted to {skill}. {N_b} taught {him}, and after seven days {he} could do it.", "{An_h} learned to {skill} with the help of {n_b}."],
        "moral": "Practice makes perfect.",
        "questions": [
            (["What did {n_h} want to learn?", "what did {he} learn?", "What did {n_h} learn?", "Tell me what {n_h} learned."], ["{N_h} learned to {skill}.", "{He} wanted to {skill}."]),
            (["Who taught {n_h}?", "who was the teacher?", "Who helped {n_h}?", "Tell me who taught {n_h}."], ["{N_b} taught {him}."]),
            (["Where did they practice?", "where did {he} practice?"], ["They practiced {p2}."]),
            (["What was the prize?", "what did {he} get?"], ["{N_b} gave {him} {n_o}."]),
        ],
    },
    "met": {
        "asks": ["who met {an_b}", "who met {an_b}", "who helped {an_b}", "and {an_b}", "who made friends with {an_b}", "who visited {an_b}"],
        "steps": [
            ["{Opening} {an_h} who had no friends.", "{Opening} {an_h}. {He} was often alone."],
            ["{Time} {h} went to {k1} and met {an_b}.", "{Time} {he} walked past {k1}, and there was {an_b}."],
            ["\"Hello,\" said {h}. \"What are you doing here?\"", "At first {h} was shy, but then {he} said hello."],
            ["\"I cannot find my {f_o},\" said {b}, and {b_he} looked {sad}.", "\"I have lost {an_o},\" said {b}. \"Will you help me?\""],
            ["\"I will help you,\" said {h}.", "{H} did not think twice and helped."],
            ["They looked {p2} and {p3}.", "They went to {k2} and then to {k3}."],
            ["And {p3} {h} saw something shine. It was {o}!", "At last {h} found {o} {p3}."],
            ["{B} was {glad} and gave {him} {reward}.", "\"Thank you!\" said {b}. \"Let us be friends.\""],
            ["From then on, {h} and {b} met {p1} every day.", "And {h} was never alone again, for now {he} had {b}."],
        ],
        "summary": ["{N_h} met {n_b} and helped {b_him} find {n_o}. They became friends.", "{An_h} was alone, met {an_b}, and found a friend."],
        "moral": "Help others, and you will find friends.",
        "questions": [
            (["Who did {n_h} meet?", "who did {he} meet?", "Who became {n_h}'s friend?", "Tell me who {n_h} met."], ["{N_h} met {n_b}."]),
            (["What had {n_b} lost?", "what was lost?", "What did {n_b} look for?", "Which thing was {n_b} looking for?"], ["{N_b} had lost {n_o}."]),
            (["Where was {n_o}?", "where did they find it?"], ["It was {p3}.", "They found it {p3}."]),
        ],
    },
}

# For any plot with a thing that changes hands.
LOOSE_ASKS = ["who loved {an_o}", "who liked {an_o}", "who saw {an_o}", "who needed {an_o}", "who kept {an_o}", "who got {an_o}", "who ate {an_o}",
              "who fixed {an_o}", "who painted {an_o}", "and {his} {f_o}", "and {an_o}", "who played with {an_o}", "who used {an_o}"]

OPENINGS = ["Once upon a time there was", "Once there was", "There once was", "Long ago there lived", "{Setting} there lived", "{Setting} there was"]

EPILOGUES = [
    ["The next day {h} and {b} went to {k2} again.", "The next morning the sun was shining, and {h} went to see {b}.", "A week later {h} came back to {k2}."],
    ["\"Do you still have {o}?\" asked {b}. \"Of course,\" said {h}, \"it is right here.\"", "{B} asked {h} to tell the story of {o} once more, and {h} told it gladly.",
     "They thought of {o} and had to laugh."],
    ["Then they ate {food} and looked at the clouds.", "In the evening they sat {p1} and ate {food}.", "Then it began to rain, and they ran home together."],
    ["And {h} fell asleep with a smile.", "It was a good day for {h}.", "And that is how the story of {h} and {o} ends."],
]


PLOT_DRAW = ["lost"] * 4 + ["found"] * 3 + ["broke", "made", "wanted", "shared"] * 2 + ["carried", "took", "afraid", "learned", "met"]


class Story:
    """One story. The same seed gives the same choices, so that it can be told again with another hero or thing."""

    def __init__(self, lex, plot=None, hero=None, thing=None):
        self.plot = plot or lex.any(PLOT_DRAW)
        self.hero = hero or Hero(lex)
        self.thing = thing or Thing(lex)
        # Whom one meets is asked for; other helpers are the story's own.
        self.helper = Hero(lex, plain=True, common=self.plot != "met")
        while self.helper.noun == self.hero.noun:
            self.helper = Hero(lex, plain=True, common=self.plot != "met")
        self.other = Hero(lex, common=True)
        while self.other.noun in (self.hero.noun, self.helper.noun) or self.other.name and self.other.name == self.helper.name:
            self.other = Hero(lex, common=True)
        self.places = lex.dice.sample(words.PLACES, 3)
        self.values = {
            "sad": lex.any(words.SAD), "glad": lex.any(words.GLAD), "reward": lex.any(words.REWARDS), "material": lex.any(words.MATERIALS),
            "fear": lex.any(words.FEARS), "skill": lex.any(words.SKILLS), "food": lex.any(words.FOODS), "time": lex.any(words.TIMES),
            "setting": lex.any(words.SETTINGS),
        }
        self.opening = lex.any(OPENINGS)
        self.lex = lex
        self.seed = lex.dice.random()
        self.tell()

    def tell(self):
        """Fills the plot's steps and the continuation; sets `sentences`, `epilogue`, `title`."""
        dice, self.lex.dice = self.lex.dice, random.Random(self.seed)
        self.sentences = [s for s in (self.fill(self.lex.any(step)) for step in PLOTS[self.plot]["steps"]) if s]
        self.epilogue = [self.fill(self.lex.any(step)) for step in EPILOGUES]
        self.title = f"{self.hero.title} and {self.helper.title if self.plot == 'met' else self.thing.title}"
        self.title = self.title.replace(" and The ", " and the ")
        self.lex.dice = dice

    def fill(self, template):
        return re.sub(r"\{(\w+)\}", lambda match: self.value(match[1]), template)

    def value(self, key):
        low = key[0].lower() + key[1:]
        text = self.lower_value(low)
        return capital(text) if key[0].isupper() else text

    def lower_value(self, key):
        people = {"h": self.hero, "b": self.helper, "c": self.other}
        if key == "opening":
            return capital(self.opening.replace("{Setting}", self.values["setting"]))
        if key in self.values:
            return self.values[key]
        if key in people:
            return people[key].mention(self.lex)
        if key == "o":
            return self.thing.mention(self.lex)
        if key == "f_o":
            return self.thing.phrase
        if key[0] in "kp" and key[1:].isdigit():
            preposition, place = self.places[int(key[1]) - 1]
            return place if key[0] == "k" else f"{preposition} {place}"
        kind, _, who = key.partition("_")
        subject = {**people, "o": self.thing}
        if kind == "an":
            return subject[who].intro
        if kind == "n":
            return subject[who].short
        if kind in people:
            return people[kind].pronoun(who)
        return self.hero.pronoun(key)

    @property
    def text(self):
        return " ".join(self.sentences)

    def pieces(self):
        """The text in one to three paragraphs."""
        n = len(self.sentences)
        cuts = self.lex.any([[n], [n], [n], [n], [n // 2, n], [n // 3, 2 * n // 3, n]])
        start, paragraphs = 0, []
        for cut in cuts:
            paragraphs.append(" ".join(self.sentences[start:cut]))
            start = cut
        return "\n\n".join(paragraphs)

    def summary(self):
        return self.fill(self.lex.any(PLOTS[self.plot]["summary"]))

    def question(self):
        asks, answers = self.lex.any(PLOTS[self.plot]["questions"])
        return self.fill(self.lex.ask(asks)), self.fill(self.lex.any(answers))


# --- Conversations -------------------------------------------------------------------------------------------------
# A turn is a pair (what the user says, what the model answers). A talk is a list of turns.

STORY_REQUESTS = [
    "Tell me a story about {x}.", "tell me a story about {x}", "Tell me a short story about {x}.", "Write a story about {x}.",
    "Write a short story about {x}.", "Can you tell me a story about {x}?", "Please tell me a story about {x}.",
    "I want to hear a story about {x}.", "I would like a story about {x}, please.", "story about {x}", "a story about {x}",
    "Make up a story about {x}.", "Could you write me a story about {x}?", "Give me a story about {x}.", "A tale about {x}, please.",
    "Tell me about {x}.", "Tell us a bedtime story about {x}.", "write me a tiny story about {x}", "Do you know a story about {x}?",
    "Hi! Tell me a story about {x}.", "Invent a story. It should be about {x}.", "Tell a tale about {x}.", "One more story, about {x}.",
    "Let's hear a story about {x}.", "My child wants a story about {x}.", "Please write a little tale of {x}.",
]
PAIR_REQUESTS = [
    "Tell me a story about {h} and {o}.", "Write a story with {h} and {o}.", "story: {h}, {o}", "Tell me a story with {h} and {o} in it.",
    "A story about {h} and {o}, please.", "I want a story about {h} and {o}.", "Make a story from these words: {bare_h}, {bare_o}.",
    "Write a short story in which {h} has {o}.", "Tell me a story about {h} and {his} {bare_o}.", "{h} and {o}", "tell me a story about {h} and {o}", "Use {h} and {o} in a story.",
]
HERO_REQUESTS = ["Tell me a story about {h}.", "story about {h}", "Can you tell a story about {h}?", "Write a short story about {h}.", "I like stories about {h}. Tell me one."]
THING_REQUESTS = ["Tell me a story about {o}.", "story about {o}", "Can you tell a story about {o}?", "Write a short story about {o}.", "I like stories about {o}. Tell me one."]
OPEN_REQUESTS = ["Tell me a story.", "tell me a story", "A story, please.", "Can you tell me a story?", "Write a short story.", "I am bored. Tell me something.",
                 "Tell me a bedtime story.", "Another story, please.", "Story time!", "Go on, make up a story."]


def rough(lex, text):
    """Users type carelessly: sometimes no capitals, no full stop, a please."""
    if lex.chance(0.12):
        text = text.lower()
    if lex.chance(0.12):
        text = text.rstrip(".")
    return text


def turn_story(lex):
    """A new story and the turn that asks for it: by hero and plot, hero and thing, hero, thing, or nothing."""
    form = lex.dice.choices(["plot", "pair", "hero", "thing", "open"], [62, 23, 7, 4, 4])[0]
    plot = lex.any(PLOT_DRAW)
    about_thing = plot not in ("afraid", "learned", "met")
    if form in ("pair", "thing") and not about_thing:
        form = "plot"
    hero = Hero(lex, common=form in ("thing", "open"))
    thing = Thing(lex, common=form in ("hero", "open") or not about_thing)
    if form != "open" and lex.chance(0.1):
        hero.name, hero.she = lex.name(form == "thing")
        hero.name_only = True
    if form == "hero" and plot == "met":
        plot = "lost"
    story = Story(lex, plot, hero, thing)
    asked = hero.intro
    if hero.name and not hero.name_only:
        asked = lex.any([hero.intro, f"{hero.name} the {hero.phrase}", article(hero.phrase) + f" called {hero.name}", hero.intro])
    if form == "plot":
        asks = LOOSE_ASKS if about_thing and lex.chance(0.2) else PLOTS[story.plot]["asks"]
        prompt = lex.ask(STORY_REQUESTS).replace("{x}", f"{asked} {story.fill(lex.ask(asks))}")
    elif form == "pair":
        bare = hero.name if hero.name_only else hero.phrase
        prompt = lex.ask(PAIR_REQUESTS).format(h=asked, his=hero.pronoun("his"), o=thing.intro, bare_h=bare, bare_o=thing.phrase)
    elif form == "hero":
        prompt = lex.ask(HERO_REQUESTS).format(h=asked)
    elif form == "thing":
        prompt = lex.ask(THING_REQUESTS).format(o=thing.intro)
    else:
        prompt = lex.ask(OPEN_REQUESTS)
    answer = story.pieces()
    if lex.chance(0.08):
        prompt = prompt.rstrip(".?") + lex.any([" Give it a title.", " with a title", ". Start with a title."])
        answer = f"{story.title}\n\n{answer}"
    return story, (rough(lex, prompt), answer)


def turns_about(lex, story, count):
    """Follow-ups on a story that both have before them."""
    turns = []
    for _ in range(count):
        kind = lex.dice.random()
        if kind < 0.55:
            turns.append(story.question())
        elif kind < 0.65:
            turns.append((lex.ask(["Make it shorter.", "make it shorter", "Shorter, please.", "Can you make it shorter?", "Summarize it.", "Tell it in one or two sentences.", "Give me the short version."]), story.summary()))
        elif kind < 0.71:
            ask = ["Continue.", "continue", "What happened next?", "Go on.", "Tell me more.", "And then?", "What happens after that?"]
            turns.append((lex.ask(ask), " ".join(story.epilogue)))
        elif kind < 0.76:
            turns.append((lex.ask(["What is the moral?", "what is the moral of the story?", "What can we learn from it?", "What does the story teach us?"]), PLOTS[story.plot]["moral"]))
        elif kind < 0.81:
            turns.append((lex.ask(["Give it a title.", "What is the title?", "give the story a title", "How would you call this story?"]), story.title + "."))
        elif kind < 0.86:
            answer = f"It is about {story.hero.intro}."
            turns.append((lex.ask(["Who is the story about?", "who is it about?", "Who is the hero?", "Tell me who the story is about."]), answer))
        elif kind < 0.9:
            answer = f"{capital(story.hero.pronoun('his'))} name is {story.hero.name}." if story.hero.name else f"The story does not give {story.hero.short} a name."
            turns.append((lex.ask([f"What is {story.hero.pronoun('his')} name?", "what is the name?", "What is the hero's name?", "How is the hero called?"]), answer))
        elif kind < 0.93:
            turns.append((lex.ask(["What is the first sentence?", "say the first sentence again", "Repeat the first sentence.", "How did it begin?"]), first_sentence(story.sentences[0])))
        elif kind < 0.95:
            turns.append((lex.ask(["Tell it again.", "Say the story again.", "Repeat the story.", "Once more, word for word."]), story.text))
        elif kind < 0.98:
            turns.append(turn_again_with(lex, story))
        else:
            turns.append(turn_thanks(lex))
    return turns


def first_sentence(text):
    return re.match(r".*?[.!?](?= |$)", text)[0]


def turn_again_with(lex, story):
    """The same story with another hero or thing; `story` becomes the new one."""
    if lex.chance(0.6) or story.plot in ("afraid", "learned", "met"):
        story.hero = Hero(lex, named=lex.chance(0.3))
        new = story.hero.intro
    else:
        story.thing = Thing(lex)
        new = story.thing.intro
    story.tell()
    ask = ["Tell it again with {x}.", "the same story with {x}", "Now with {x}.", "Tell it with {x} instead.", "Change it: {x} instead."]
    return lex.ask(ask).format(x=new), story.text


def turn_thanks(lex):
    return (lex.ask(["Thanks!", "thank you", "Thank you very much.", "Nice!", "Great story!", "That was lovely."]),
            lex.any(["You are welcome!", "You are welcome! Shall I tell you another story?", "I am glad that you like it."]))


def talk_story(lex):
    story, turn = turn_story(lex)
    return [turn, *turns_about(lex, story, lex.any([0, 0, 1, 1, 2, 2, 3, 4]))]


def talk_long(lex):
    """Several stories in one conversation: teaches the whole context length."""
    turns = []
    for _ in range(lex.any([2, 3, 4])):
        story, turn = turn_story(lex)
        turns += [turn, *turns_about(lex, story, lex.any([0, 1, 2, 3]))]
    if lex.chance(0.5):
        turns.append((lex.ask(["Who was the first story about?", "who was in the first story?", "Which hero did we begin with?", "Name the hero of the first story."]), None))
    return turns


def talk_read(lex):
    """The user brings the text: questions about it, shorter, continued, repeated."""
    kind = lex.dice.random()
    story = Story(lex, thing=Thing(lex, common=0.45 <= kind < 0.65))  # a continuation may have to choose the thing
    if kind < 0.45:
        question, answer = story.question()
        shape = lex.ask(["{s}\n\n{q}", "Read this: {s}\n\nQuestion: {q}", "Here is a story. {s} {q}", "Text: {s}\nQ: {q}", "{q} {s}"])
        return [(shape.format(s=story.text, q=question), answer), *turns_about(lex, story, lex.any([0, 1, 2]))]
    if kind < 0.65:
        cut = lex.any([1, 2, 3, 4])
        shape = lex.ask(["Continue: {s}", "continue this story: {s}", "Go on with this story: {s}", "Complete the story. {s}", "How does this go on? {s}"])
        return [(shape.format(s=" ".join(story.sentences[:cut])), " ".join(story.sentences[cut:])), *turns_about(lex, story, lex.any([0, 1]))]
    if kind < 0.85:
        shape = lex.ask(["Make it shorter: {s}", "Summarize this: {s}", "make this shorter: {s}", "{s}\n\nMake it shorter.", "Give me the short version of this: {s}"])
        return [(shape.format(s=story.text), story.summary())]
    sentences = " ".join(story.sentences[: lex.any([1, 2, 3, len(story.sentences)])])
    shape = lex.ask(["Repeat after me: {s}", "Say this again: {s}", "repeat: {s}", "Copy this text: {s}", "Write this once more: {s}"])
    return [(shape.format(s=sentences), sentences)]


def turn_copy(lex):
    """Odd strings to copy: invented words, lists, digits, accents, emoji, other letters."""
    kinds = [
        lambda: " ".join(lex.invented() for _ in range(lex.any([1, 2, 3, 5, 8]))),
        lambda: ", ".join(lex.word(words.THINGS) for _ in range(lex.any([2, 3, 5, 8]))) + ".",
        lambda: " ".join(lex.any(words.UNICODE) for _ in range(lex.any([1, 2, 4, 6]))),
        lambda: "".join(str(lex.dice.randrange(10)) for _ in range(lex.any([2, 4, 6, 9]))),
        lambda: f"{lex.name()[0]} and {lex.name()[0]} like {lex.any(words.FOODS)} {lex.any(words.UNICODE)}.",
        lambda: capital(f"the {Hero(lex).phrase} has {Thing(lex).intro}."),
        lambda: "".join(lex.any("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!?#-_/()") for _ in range(lex.any([3, 5, 8, 12]))),
    ]
    text = lex.any(kinds)()
    shape = lex.ask(["Repeat after me: {s}", "Repeat: {s}", "Say this again: {s}", "repeat this: {s}", "Say: {s}", "Please echo: {s}"])
    return shape.format(s=text), text


def turn_arithmetic(lex):
    while True:
        kind = lex.any(["+", "+", "-", "*"])
        a, b = (lex.dice.randrange(21), lex.dice.randrange(21)) if kind != "*" else (lex.dice.randrange(11), lex.dice.randrange(11))
        if kind == "-" and b > a:
            a, b = b, a
        if is_held_out(f"{a}{kind}{b}") == lex.new_words:
            break
    result = {"+": a + b, "-": a - b, "*": a * b}[kind]
    if lex.chance(0.25) and kind != "*":
        thing = lex.any(["apples", "nuts", "coins", "berries", "shells", "books", "eggs", "buns"])
        name = lex.name()[0]
        if kind == "+":
            prompt = lex.ask(["{n} has {a} {t} and gets {b} more. How many {t} now?", "{n} finds {a} {t} and then {b} {t}. How many are that?"])
        else:
            prompt = lex.ask(["{n} has {a} {t} and gives away {b}. How many are left?", "{n} had {a} {t} and ate {b}. How many {t} are left?"])
        return prompt.format(n=name, a=a, b=b, t=thing), lex.any([f"{a} {kind} {b} = {result}. So it is {result} {thing}."])
    sign = {"+": "plus", "-": "minus", "*": "times"}[kind]
    shape = lex.ask(["What is {a} {s} {b}?", "{a} {k} {b}", "{a} {k} {b} =", "What is {a} {k} {b}?", "how much is {a} {s} {b}?", "calculate {a} {k} {b}", "{a}{k}{b}", "Please work out {a} {k} {b}."])
    return shape.format(a=a, b=b, s=sign, k=kind), lex.any([f"{a} {kind} {b} = {result}.", f"{a} {sign} {b} is {result}."])


def turn_fact(lex):
    kind = lex.dice.randrange(8)
    if kind == 0:
        animal, sound = lex.any(list(words.SOUNDS.items()))
        return lex.ask([f"What does {article(animal)} say?", f"what sound does {article(animal)} make?", f"How does {article(animal)} sound?", f"Which sound does {article(animal)} make?"]), f"{capital(article(animal))} says {sound}."
    if kind == 1:
        one, two = lex.any(list(words.OPPOSITES.items()))
        if lex.chance(0.5):
            one, two = two, one
        return lex.ask([f"What is the opposite of {one}?", f"opposite of {one}", f"The opposite of {one} is?", f"Tell me the opposite of {one}."]), f"The opposite of {one} is {two}."
    if kind == 2:
        what, color = lex.any(list(words.COLORS.items()))
        return lex.ask([f"What color is {what}?", f"which color has {what}?", f"What is the color of {what}?", f"Tell me the color of {what}."]), f"{capital(what)} is {color}."
    if kind == 3:
        days, unit = lex.any([(words.DAYS, "day"), (words.MONTHS, "month")])
        i = lex.dice.randrange(len(days))
        return lex.ask([f"Which {unit} comes after {days[i]}?", f"what comes after {days[i]}?", f"What is the {unit} after {days[i]}?", f"Tell me the {unit} that follows {days[i]}."]), f"After {days[i]} comes {days[(i + 1) % len(days)]}."
    if kind == 4:
        n = lex.dice.randrange(3, 21)
        return lex.ask([f"Count to {n}.", f"count to {n}", f"Count from 1 to {n}.", f"Can you count up to {n}?"]), ", ".join(str(i + 1) for i in range(n)) + "."
    if kind == 5:
        n = lex.dice.randrange(2, 6)
        what, options = lex.any([("animals", words.CHARACTERS[:80]), ("names", words.SHE_NAMES + words.HE_NAMES), ("colors", "red|blue|green|yellow|white|black|purple|pink".split("|")), ("foods", words.FOODS), ("things", words.THINGS)])
        chosen = lex.dice.sample([w for w in options if not is_held_out(w)], n)
        return lex.ask([f"Name {words.NUMBERS[n]} {what}.", f"name {n} {what}", f"Give me {words.NUMBERS[n]} {what}.", f"List {n} {what}."]), ", ".join(chosen[:-1]) + " and " + chosen[-1] + "."
    if kind == 6:
        n = lex.dice.randrange(0, 20)
        return lex.ask([f"What number comes after {n}?", f"what comes after {n}?", f"Which number follows {n}?", f"The next number after {n}, please."]), f"After {n} comes {n + 1}."
    n = lex.dice.randrange(21)
    return lex.ask([f"Write {n} as a word.", f"How do you spell {n}?", f"spell the number {n}", f"Which word is the number {n}?"]), f"{capital(words.NUMBERS[n])}."


ABOUT = [
    (["Who are you?", "who are you", "What are you?", "Introduce yourself.", "Tell me about yourself."],
     ["I am Fennec's small built-in model. I run right here on your device.", "I am the small model that comes with Fennec. I tell little stories."]),
    (["What is your name?", "what's your name?", "Do you have a name?", "How should I call you?"], ["I am the Fennec built-in model. You can call me Fennec."]),
    (["What can you do?", "what can you do", "How can you help me?", "Help", "What are you good at?", "What are your skills?"],
     ["I can tell short stories, answer questions about them, make them shorter, and do small sums. Try: tell me a story about a fox who lost a lantern.",
      "I am small, but I can tell stories. Name an animal and a thing, and I will tell you a story about them."]),
    (["Are you a human?", "are you human?", "Are you a real person?", "Am I talking to a person?"], ["No, I am only a small built-in model."]),
    (["Are you ChatGPT?", "are you GPT-4?", "Are you a big model?", "How big are you?", "how many parameters do you have?", "Are you large?"],
     ["I am a very small model: fewer than four million parameters.", "No, I am only Fennec's small built-in model."]),
    (["Who made you?", "who built you?", "Who trained you?", "Where do you come from?"], ["The makers of Fennec trained me on stories that a small program wrote."]),
    (["Where do you run?", "Do you need the internet?", "do you send my data anywhere?", "Is this private?", "Do you work offline?"],
     ["I run on your own device. Nothing leaves it, and I need no internet."]),
    (["What is Fennec?", "what is fennec?", "Tell me about Fennec.", "Explain what Fennec is."],
     ["Fennec runs language models on your own device. I am the small model that comes with it.", "Fennec is an engine for language models. A fennec is also a small fox with big ears."]),
    (["Can I use a better model?", "can I load a bigger model?", "How do I get a smarter model?", "Is there something better than you?"],
     ["Yes. Fennec can load bigger models from a file or from the web. I am only here so that you can try it at once."]),
    (["How are you?", "how are you?", "How do you do?", "How is it going?", "Are you well?"], ["I am fine, thank you! Shall I tell you a story?", "I am well. What shall I tell you about?"]),
    (["Hello!", "Hi", "hello", "Hey there", "Good morning!", "hi!", "Good evening.", "hey", "Greetings!"],
     ["Hello! I am Fennec's small built-in model. Shall I tell you a story?", "Hi! Name an animal and a thing, and I will tell you a story.", "Hello! What shall I tell you about?"]),
    (["Goodbye!", "bye", "See you later.", "Good night.", "I have to go."], ["Goodbye! Come back for another story.", "Bye! It was nice to talk to you."]),
    (["I am sad.", "I feel sad today.", "I had a bad day.", "Today was not a good day."], ["I am sorry to hear that. Shall I tell you a story to cheer you up?"]),
    (["I am happy.", "I feel great today!", "I had a good day.", "Today was a wonderful day."], ["That is nice to hear! Shall I tell you a story?"]),
    (["Tell me a joke.", "tell me a joke", "Do you know a joke?", "Make me laugh."],
     ["Why did the fox sit on the clock? Because it wanted to be on time.", "What does a cloud wear under its coat? Thunderwear."]),
    (["Yes", "yes please", "OK", "sure", "Yes, please."], ["Good! Name an animal and a thing, and I will tell you a story about them."]),
    (["No", "no thanks", "No, thank you.", "Not now."], ["All right. I am here when you want a story."]),
]


def turn_about_self(lex):
    asks, answers = lex.any(ABOUT)
    return lex.ask(asks), lex.any(answers)


def turn_cannot(lex):
    offer = lex.any([" But I can tell you a story.", " I can tell you a short story, though.", " For that, load a bigger model.", ""])
    kind = lex.dice.random()
    if kind < 0.4:
        task = lex.word(words.CANNOT_DO)
        shape = lex.ask(["{C}.", "Can you {c}?", "Please {c}.", "{c}", "I need you to {c}.", "Would you {c}?"])
        if " my " not in task and lex.chance(0.4):
            return shape.format(c=task, C=capital(task)), f"I am only a small built-in model, so I cannot {task}.{offer}"
        return shape.format(c=task, C=capital(task)), "I am only a small built-in model, so I cannot do that." + offer
    if kind < 0.8:
        return rough(lex, lex.word(words.CANNOT_ANSWER)), lex.any(["I am only a small built-in model. I do not know that.", "I do not know. I am only a small built-in model."]) + offer
    topic = lex.any([Thing(lex).phrase, lex.invented(), lex.any(words.HOBBIES)])
    shape = lex.ask(["Explain {t} to me.", "How does {t} work?", "What do you know about {t}?", "Why is {t} important?", "Who invented {t}?", "Write an essay about {t}."])
    return shape.format(t=topic), lex.any([f"I am only a small built-in model and know little about {topic}.", f"I do not know much about {topic}. I am only a small built-in model."]) + offer


def talk_memory(lex):
    """The user says something about themselves and asks for it later."""
    name, _ = lex.name()
    kind = lex.dice.randrange(3)
    if kind == 0:
        start = (lex.ask(["My name is {x}.", "Hi, I am {x}.", "hello, my name is {x}", "I'm {x}.", "You can call me {x}."]).format(x=name), lex.any([f"Nice to meet you, {name}!", f"Hello, {name}! Shall I tell you a story?"]))
        end = (lex.ask(["What is my name?", "what's my name?", "Do you remember my name?", "Who am I?"]), f"Your name is {name}.")
    elif kind == 1:
        what = lex.any([lex.word(words.FOODS), lex.word(words.HOBBIES)])
        start = (lex.ask(["I like {x}.", "I love {x}.", "i really like {x}", "My favorite thing is {x}."]).format(x=what), lex.any([f"{capital(what)}! How nice.", f"It is nice that you like {what}."]))
        end = (lex.ask(["What do I like?", "what do I like?", "Do you remember what I like?", "Which thing do I like?"]), f"You like {what}.")
    else:
        pet, name = Hero(lex, named=False, plain=True).noun, lex.name()[0]
        start = (lex.ask(["I have {p} named {n}.", "My {b} is called {n}.", "I have {p}. It is called {n}.", "At home I have {p} named {n}."]).format(p=article(pet), b=pet, n=name), lex.any([f"{name} is a nice name for {article(pet)}.", f"Say hello to {name} from me!"]))
        end = (lex.ask([f"What is the name of my {pet}?", f"how is my {pet} called?", f"What is my {pet} called?", f"Tell me the name of my {pet}."]), f"Your {pet} is called {name}.")
    middle = []
    for _ in range(lex.any([0, 0, 1, 2])):
        if lex.chance(0.4):
            story, turn = turn_story(lex)
            middle += [turn, *turns_about(lex, story, lex.any([0, 1]))]
        else:
            middle.append(lex.any([turn_fact, turn_arithmetic, turn_about_self])(lex))
    return [start, *middle, end]


def talk_small(lex):
    """One to four turns of small talk, sums, facts, things it cannot do; perhaps a story after them."""
    kinds = [turn_copy, turn_copy, turn_arithmetic, turn_arithmetic, turn_fact, turn_about_self, turn_about_self, turn_cannot]
    turns = [lex.any(kinds)(lex) for _ in range(lex.any([1, 1, 2, 3, 4]))]
    if lex.chance(0.25):
        story, turn = turn_story(lex)
        turns += [turn, *turns_about(lex, story, lex.any([0, 1, 2]))]
    return turns


# What a document is, and how often.
TALKS = [(talk_story, 50), (talk_small, 20), (talk_read, 12), (talk_memory, 5), (talk_long, 5), (None, 4)]


def render_chat(turns, system=None):
    """ChatML, as the chat template in the released file writes it."""
    parts = [f"<|im_start|>system\n{system}<|im_end|>\n"] if system else []
    for user, answer in turns:
        parts.append(f"<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n")
    return "".join(parts)


def document(lex):
    talk = lex.dice.choices([t for t, _ in TALKS], [w for _, w in TALKS])[0]
    if talk is None:  # a plain story, for completion without a chat
        story = Story(lex, hero=Hero(lex, common=True), thing=Thing(lex, common=True))
        return story.pieces() + ("" if lex.chance(0.7) else "\n\n" + " ".join(story.epilogue)) + "\n"
    if talk is talk_long:
        return long_document(lex)
    return render_chat(talk(lex), lex.any(SYSTEM_PROMPTS) if lex.chance(0.2) else None)


def long_document(lex):
    """As `talk_long`, with the answer to the question about the first story filled in."""
    first, turn = turn_story(lex)
    about = f"The first story was about {first.hero.intro}."
    turns = [turn, *turns_about(lex, first, lex.any([0, 1]))]
    rest = talk_long(lex)
    return render_chat(turns + [(u, about if a is None else a) for u, a in rest], None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("work"), help="folder for the text files")
    parser.add_argument("--documents", type=int, default=40000, help="documents in the training set")
    parser.add_argument("--heldout", type=int, default=600, help="documents in each held-out set")
    parser.add_argument("--invented", type=float, default=0.07, help="share of invented heroes and things in the training set")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    splits = [
        ("train", args.documents, {"invented_share": args.invented}),
        ("heldout_seed", args.heldout, {}),
        ("heldout_lexicon", args.heldout, {"new_words": True}),
        ("heldout_full", args.heldout, {"new_words": True, "new_phrasings": True}),
    ]
    for name, count, sides in splits:
        dice = random.Random(f"{args.seed} {name}")
        with open(args.out / f"{name}.txt", "w", encoding="utf-8") as file:
            for _ in range(count):
                file.write(json.dumps(document(Lexicon(dice, **sides)), ensure_ascii=False) + "\n")
        print(name, count, "documents")


if __name__ == "__main__":
    main()
