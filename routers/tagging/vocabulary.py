"""The closed list of capabilities.

The names are those that InferenceDynamics keeps of its tagger's answers; descriptions and examples
are ours. An example is a question of that kind: an encoder places questions near questions.
"""

CAPABILITIES: dict[str, tuple[str, ...]] = {
    "agentic": (
        "a plan of actions to carry out with tools in an environment",
        "Book a flight and a hotel within the budget; call the search tool before you pay.",
        "You are a robot in a kitchen. List the actions that put the red block on the blue one.",
    ),
    "coding": (
        "a program or a function to write, to read or to mend",
        "Write a Python function that returns the largest item of a list.",
        "Why does this loop raise an IndexError? for i in range(len(x) + 1): print(x[i])",
    ),
    "comprehension": (
        "a long passage to read, followed by a question on what it says",
        "Passage: The mill stood empty for years. Then two sisters bought it, mended the wheel "
        "and sold flour again. According to the passage, who mended the wheel?",
        "Summarise the following article in two sentences.",
    ),
    "instruction following": (
        "a request with several constraints on the form of the answer",
        "Write a letter of exactly three paragraphs, without commas, that ends in a question.",
        "Answer in JSON with the keys name and age, in lower case, and add nothing else.",
    ),
    "knowledge retrieval": (
        "a question about a fact, a name, a date, a definition or how nature works",
        "Which of these materials conducts electricity best? A. wood B. copper C. glass D. rubber",
        "Who wrote this novel, and in which year?",
        "What is the function of the kidneys in the human body?",
        "What happens if you believe in an old saying or a myth?",
    ),
    "multilingual": (
        "a text in another language than English, or a translation",
        "Traduce la siguiente frase al inglés.",
        "Welche Antwort ist richtig, und warum?",
        "Translate this sentence into French.",
    ),
    "reasoning": (
        "a problem that takes several steps of logic or arithmetic to solve",
        "Mia buys 4 boxes of 12 pencils and gives away 9. How many pencils does she have left?",
        "A train covers 60 miles an hour for 3 hours, then half of that for 2. How far does it go?",
        "If every poet reads and some readers travel, must some poets travel?",
    ),
}
