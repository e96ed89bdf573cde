"""A dozen questions, each with a passage that answers it and one that does not."""

from __future__ import annotations

from rerankbench.types import Candidates, Document, Query

# Question, passage that answers it, passage from elsewhere.
_TEXTS = (
    (
        "how many legs does a spider have",
        "Spiders are arachnids. All of them walk on eight legs, two more than any insect has.",
        "The violin is held under the chin and played with a bow of wood and horsehair.",
    ),
    (
        "what is the boiling point of water at sea level",
        "At the pressure found at sea level, water boils at 100 degrees Celsius (212 Fahrenheit).",
        "Parliament met twice that year, once in spring and once after the harvest.",
    ),
    (
        "who wrote the play Hamlet",
        "Hamlet is a tragedy that William Shakespeare wrote around the year 1600.",
        "To grow tomatoes indoors, give the seedlings sixteen hours of light a day.",
    ),
    (
        "capital city of France",
        "Paris, on the river Seine, is the capital and the largest city of France.",
        "A compiler translates a program into instructions that a processor can run.",
    ),
    (
        "why is the sky blue",
        "Air scatters blue light from the sun more than red light, and so the sky looks blue.",
        "The bakery opens at six and sells out of rye bread well before noon.",
    ),
    (
        "symptoms of iron deficiency",
        "People who lack iron are often tired and pale, short of breath, and have brittle nails.",
        "The bridge was closed to lorries while its northern cables were being replaced.",
    ),
    (
        "how do vaccines protect against disease",
        "A vaccine shows the immune system a harmless part of a germ, so that it makes antibodies "
        "and remembers the germ when the real infection comes.",
        "Chess clocks give both players the same time for all of their moves.",
    ),
    (
        "largest planet in the solar system",
        "Jupiter is the largest planet of the solar system, with more than twice the mass of all "
        "the other planets together.",
        "Sourdough rises slowly because wild yeast works more slowly than baker's yeast.",
    ),
    (
        "how to reset a forgotten password",
        "If you forgot your password, choose 'Reset password' on the sign-in page; a link to set "
        "a new one is sent to your e-mail address.",
        "Glaciers carve valleys into the shape of a U as they slide downhill.",
    ),
    (
        "when did the first person walk on the moon",
        "Neil Armstrong became the first person to walk on the moon on 20 July 1969.",
        "The recipe calls for two onions, a clove of garlic and a litre of stock.",
    ),
    (
        "what language is spoken in Brazil",
        "Portuguese is the official language of Brazil and the mother tongue of most Brazilians.",
        "Copper conducts electricity well, which is why most cables are made of it.",
    ),
    (
        "how do plants make their food",
        "By photosynthesis plants turn sunlight, water and carbon dioxide into sugar and oxygen.",
        "The museum lends its coins to other collections for at most six months.",
    ),
)
_FILLER = "The committee then went on to other matters, which are recorded elsewhere. "


def pairs() -> list[Candidates]:
    """Each question with its answer first and the unrelated passage second."""
    return [
        Candidates(query=Query(query_id=f"q{i}", text=question), documents=_documents(i, *texts))
        for i, (question, *texts) in enumerate(_TEXTS)
    ]


def mixed() -> list[Candidates]:
    """The same, each with another passage that is many times longer."""
    lengthened = []
    for i, candidates in enumerate(pairs()):
        longer = f"{candidates.documents[0].text} {_FILLER * (2 + 3 * i)}"
        third = Document(doc_id=f"q{i}-long", title="", text=longer.strip())
        lengthened.append(
            Candidates(query=candidates.query, documents=(*candidates.documents, third))
        )
    return lengthened


def _documents(i: int, answer: str, other: str) -> tuple[Document, ...]:
    return tuple(
        Document(doc_id=f"q{i}-{kind}", title="", text=text)
        for kind, text in (("answer", answer), ("other", other))
    )


def of_length(words: int) -> Candidates:
    """A question with one document of that many words."""
    text = " ".join((_FILLER.split() * (words // 12 + 1))[:words])
    question = Query(query_id="q", text=_TEXTS[0][0])
    return Candidates(query=question, documents=(Document(doc_id="d", title="", text=text),))
