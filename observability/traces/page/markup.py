"""Elements of a page. What a span says is anybody's text: the tree escapes all of it when it is written."""

from xml.etree.ElementTree import Element, tostring

Child = Element | str


def tag(name: str, /, *children: Child, klass: str = "", style: str = "", **attributes: str) -> Element:
    """An element with text and elements in it; attributes without a value are left out."""
    given = {"class": klass, "style": style, **attributes}
    element = Element(name, {key.rstrip("_").replace("_", "-"): value for key, value in given.items() if value})
    last: Element | None = None
    for child in children:
        if isinstance(child, Element):
            element.append(child)
            last = child
        elif last is None:
            element.text = (element.text or "") + child
        else:
            last.tail = (last.tail or "") + child
    return element


def html(root: Element) -> str:
    """The document as text."""
    return "<!doctype html>\n" + tostring(root, encoding="unicode", method="html")
