"""Settings declared at their fields: what is checked, what is read, and what lists of settings say."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from dcanas.basics.errors import UserError
from dcanas.basics.fields import Declared, check, choice, described, number, setting
from dcanas.basics.mapping import from_mapping


@dataclass(frozen=True)
class Oven:
    degrees: float = number(180.0, 20, 250, "degrees Celsius")
    kind: str = choice("fan", ("fan", "grill"), "where the heat comes from")
    speed: int = number(2, 1, None, "turns per second", kind=("fan",))
    trays: int | None = number(None, 1, 9, "trays; null: as many as there are")
    light: bool = setting(True, "light inside")

    def __post_init__(self) -> None:
        check(self, "oven")


@dataclass(frozen=True)
class Cake:
    flour_g: int = number(250, 1, 1000, "grams of flour")
    sizes_cm: tuple[int, ...] = choice((24,), (20, 24, 28), "diameters")
    oven: Oven = field(default_factory=Oven)
    icing: Oven | None = field(default=None, metadata={"setting": Declared("an oven, too", kind=lambda values: Oven)})

    def __post_init__(self) -> None:
        check(self, "")


@pytest.mark.parametrize(("values", "sentence"), [
    ({"degrees": 10}, "oven.degrees must be a number from 20 to 250, got 10."),
    ({"degrees": float("nan")}, "oven.degrees must be a number from 20 to 250, got nan."),
    ({"degrees": "hot"}, "oven.degrees must be a number from 20 to 250, got 'hot'."),
    ({"speed": 1.5}, "oven.speed must be a whole number from 1, got 1.5."),
    ({"speed": True}, "oven.speed must be a whole number from 1, got True."),
    ({"trays": 10}, "oven.trays must be a whole number from 1 to 9, got 10."),
    ({"light": 1}, "oven.light must be true or false, got 1."),
    ({"light": None}, "oven.light must be true or false, got None."),
    ({"kind": "gril"}, "oven.kind must be one of fan, grill, got 'gril'; did you mean 'grill'?"),
    ({"kind": "grill", "speed": 3}, "oven.speed applies to oven.kind=fan only, not to grill; leave it out."),
])
def test_a_value_that_is_not_allowed_is_named(values, sentence):
    with pytest.raises(UserError) as caught:
        Oven(**values)
    assert str(caught.value) == sentence


def test_what_is_allowed():
    assert Oven(degrees=20, speed=10**9, trays=None) == Oven(20, "fan", 10**9)
    assert Oven(kind="grill").speed == 2  # its default, which nothing reads
    with pytest.raises(UserError, match=r"^sizes_cm must be one of 20, 24, 28, got 25\.$"):
        Cake(sizes_cm=(24, 25))


def test_settings_from_nested_dictionaries():
    made = from_mapping(Cake, {"flour_g": 300, "sizes_cm": 20, "oven": {"degrees": 200}, "icing": {"kind": "grill"}})
    assert made == Cake(300, (20,), Oven(200.0), Oven(kind="grill"))
    assert isinstance(made.oven.degrees, float)
    with pytest.raises(UserError, match=r"^Unknown setting 'oven\.degree'; did you mean 'oven\.degrees'\?$"):
        from_mapping(Cake, {"oven": {"degree": 200}})
    with pytest.raises(UserError, match=r"^oven must hold keys and values, got 3\.$"):
        from_mapping(Cake, {"oven": 3})
    with pytest.raises(UserError, match=r"^flour_g must be a whole number, got 'much'\.$"):
        from_mapping(Cake, {"flour_g": "much"})


def test_a_list_of_settings():
    assert [(key, default, about.allowed, about.help) for key, default, about in described(Cake)] == [
        ("flour_g", 250, "from 1 to 1000", "grams of flour"), ("sizes_cm", (24,), "20, 24, 28", "diameters"),
        ("oven.degrees", 180.0, "from 20 to 250", "degrees Celsius"),
        ("oven.kind", "fan", "fan, grill", "where the heat comes from"),
        ("oven.speed", 2, "from 1", "turns per second"),
        ("oven.trays", None, "from 1 to 9", "trays; null: as many as there are"),
        ("oven.light", True, "", "light inside"), ("icing", None, "", "an oven, too")]
