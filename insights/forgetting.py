"""What becomes of kept figures when a person is erased: they are computed again."""

from insights.models import Figure
from members.privacy.deciding import Person, eraser


@eraser("insights.Figure")
def figures(person: Person) -> int:
    return int(Figure.objects.filter(pool_id=person.pool_id).delete()[0])
