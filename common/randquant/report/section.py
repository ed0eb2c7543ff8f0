"""A section of a report."""

from dataclasses import dataclass

from randquant.report.markup import Html, element


@dataclass(frozen=True)
class Section:
    """What stands below one heading.

    Attributes:
        anchor: its name in links.
        title: its heading.
        body: below the heading.
    """

    anchor: str
    title: str
    body: Html

    def html(self) -> Html:
        """The section as an element."""
        heading = element("h2", self.title, id=f"{self.anchor}-title")
        return element("section", heading, self.body, id=self.anchor, aria_labelledby=f"{self.anchor}-title")

    def link(self) -> Html:
        """Its line in the contents."""
        return element("li", element("a", self.title, href=f"#{self.anchor}"))
