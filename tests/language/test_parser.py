"""The parser: what each piece of text means, and for each mistake an error at its column that says what to write."""

from __future__ import annotations

import pickle

import pytest

from riskcontrol.indicators.registry import INDICATORS
from riskcontrol.language.calls import CALLED, example
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.limits import MOST_CHARACTERS, MOST_DEPTH, MOST_NODES
from riskcontrol.language.parser import parse, parse_number
from riskcontrol.language.text import text
from riskcontrol.language.tree import (
    MARKET_WORDS,
    POSITION_WORDS,
    And,
    Arithmetic,
    Clock,
    Comparison,
    Cross,
    Duration,
    Function,
    Indicator,
    Negative,
    Not,
    Number,
    Or,
    Parameter,
    Word,
)
from riskcontrol.language.words import MARKET, POSITION

PRICE = Word("price")
RSI = Indicator("rsi", "close", ("14",), "")


def above(right: object) -> Comparison:
    return Comparison(">", PRICE, right)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "node"),
    [
        ("price > 70", above(Number("70"))),
        ("price > 070.50", above(Number("70.5"))),
        ("price > .5", above(Number("0.5"))),
        ("price > 2%", above(Number("0.02"))),
        ("price > 0.0000001%", above(Number("0.000000001"))),
        ("price > -3", above(Number("-3"))),
        ("price > --3", above(Number("3"))),
        ("price > -0", above(Number("0"))),
        ("price > 999999999999.123456789", above(Number("999999999999.123456789"))),
        ("price > -entry", above(Negative(Word("entry")))),
        ("price > 1 + 2 * 3", above(Arithmetic("+", Number("1"), Arithmetic("*", Number("2"), Number("3"))))),
        ("price > (1 + 2) * 3", above(Arithmetic("*", Arithmetic("+", Number("1"), Number("2")), Number("3")))),
        ("price > 1 - 2 - 3", above(Arithmetic("-", Arithmetic("-", Number("1"), Number("2")), Number("3")))),
        ("price > 8 / 4 / 2", above(Arithmetic("/", Arithmetic("/", Number("8"), Number("4")), Number("2")))),
        ("price > -low * 2", above(Arithmetic("*", Negative(Word("low")), Number("2")))),
        ("price > max(low, 3)", above(Function("max", (Word("low"), Number("3"))))),
        ("price > abs(low)", above(Function("abs", (Word("low"),)))),
        ("PRICE > Entry", above(Word("entry"))),
        ("price\n\t>\r\n1", above(Number("1"))),
        ("price > rsi(14)", above(RSI)),
        ("price > rsi()", above(RSI)),
        ("price > RSI ( close , 14 )", above(RSI)),
        ("price > sma(volume, 20)", above(Indicator("sma", "volume", ("20",), ""))),
        ("price > sma(volume)", above(Indicator("sma", "volume", ("20",), ""))),
        ("price > highest(20)", above(Indicator("highest", "high", ("20",), ""))),
        ("price > atr(14)", above(Indicator("atr", "", ("14",), ""))),
        ("price > macd(12,26,9).signal", above(Indicator("macd", "close", ("12", "26", "9"), "signal"))),
        ("price > macd(5).line", above(Indicator("macd", "close", ("5", "26", "9"), "line"))),
        ("price > bollinger(20, 2.50).upper", above(Indicator("bollinger", "close", ("20", "2.5"), "upper"))),
        ("time >= 9:45", Comparison(">=", Word("time"), Clock(35_100))),
        ("15:59:59 > time", Comparison(">", Clock(57_599), Word("time"))),
        ("held >= 30m", Comparison(">=", Word("held"), Duration(1800))),
        ("held < 1d", Comparison("<", Word("held"), Duration(86_400))),
        ("held < 2h", Comparison("<", Word("held"), Duration(7200))),
        ("held < 30s", Comparison("<", Word("held"), Duration(30))),
        ("crosses_above(price, vwap)", Cross(True, PRICE, Word("vwap"))),
        ("not crosses_below(price, 3)", Cross(False, PRICE, Number("3"), negated=True)),
        ("not price > 1", Not(above(Number("1")))),
        ("not not price > 1", Not(Not(above(Number("1"))))),
        ("30 < rsi(14) < 70", And((Comparison("<", Number("30"), RSI), Comparison("<", RSI, Number("70"))))),
        ("price>1 AND price>2 and price>3", And((above(Number("1")), above(Number("2")), above(Number("3"))))),
        ("price>1 or price>2 and price>3", Or((above(Number("1")), And((above(Number("2")), above(Number("3"))))))),
        ("(price>1 or price>2) and price>3", And((Or((above(Number("1")), above(Number("2")))), above(Number("3"))))),
        ("not price>1 and price>2", And((Not(above(Number("1"))), above(Number("2"))))),
    ],
)
def test_text_means(written: str, node: object) -> None:
    assert parse(written) == node


MISTAKES = """\
smaa(20) > price | unknown word 'smaa' at 1; did you mean 'sma'?
30 < smaa(20) | unknown word 'smaa' at 6; did you mean 'sma'?
bbands(20).upper < price | unknown word 'bbands' at 1; did you mean 'bollinger'?
xyzzy > 1 | unknown word 'xyzzy' at 1; `riskcontrol strategy words` lists those that there are
rsi < 70 | rsi without parentheses at 1; write rsi(14)
macd > 0 | macd without parentheses at 1; write macd(12, 26, 9).line
min > 0 | min without parentheses at 1; write min(a, b)
price = 3 | unexpected '=' at 7; write == to compare
price => 3 | unexpected '=>' at 7; write >=
price =< 3 | unexpected '=<' at 7; write <=
price ≥ 3 | unexpected '≥' at 7; write >=
price > 1 && close > 1 | unexpected '&&' at 11; write and
price > 1 || close > 1 | unexpected '||' at 11; write or
!(price > 1) | unexpected '!' at 1; write not
price > [close] | unexpected '[' at 9; write (
price > $5 | unexpected '$5' at 9; amounts are written without a currency sign: 0.10
price > $0 | unexpected '$0' at 9; amounts are written without a currency sign: 0.10
price > $ | unexpected '$' at 9; amounts are written without a currency sign: 0.10
price > close ^ 2 | unexpected '^' at 15; powers are written as products
price > 'close' | unexpected ''' at 9; words are written without quotes
price > 2 % | unexpected '%' at 11; a percentage is written right after its number: 2%
price @ 3 | unexpected character '@' at 7; rules consist of words, numbers and + - * / ( ) < <= > >= == !=
price > 10,000 | unexpected ',' at 11; commas stand between a function's values; write 10000, not 10,000
price > 10_000 | '10_000' is no number at 9; numbers are written without separators: 10000
price > 1e5 | '1e5' is no number at 9; numbers are written without an exponent: 0.001
price > 5x | '5x' is no number at 9; a number is written like 0.5, a duration like 30s, 5m, 2h or 1d
price > 5. | '5.' is no number at 9; a number has one point, with digits after it: 0.5
price > 1.2.3 | '1.2.3' is no number at 9; a number has one point, with digits after it: 0.5
held > 1.5h | '1.5h' is no number at 8; a number is written like 0.5, a duration like 30s, 5m, 2h or 1d
time > 9:4 | '9:4' is no number at 8; a clock time is written 09:45 or 09:45:30
time > 09:45:3 | '09:45:3' is no number at 8; a clock time is written 09:45 or 09:45:30
time > 24:00 | '24:00' is no time of day at 8; write one from 00:00 to 23:59:59
time > 09:60 | '09:60' is no time of day at 8; write one from 00:00 to 23:59:59
held > 4000d | duration too long at 8; at most 3650d are accepted
price > 1234567890123 | number too long at 9; at most 12 digits before the point and 9 after it
price > 0.1234567891 | number too long at 9; at most 12 digits before the point and 9 after it
price > 0.00000001% | number too long at 9; at most 12 digits before the point and 9 after it
price | 'price' alone is no condition at 1; compare it with something, like price < 100
rsi(14) * 2 | 'rsi(close, 14) * 2' alone is no condition at 1; compare it with something, like price < 100
5m | the duration 5m alone is no condition at 1; compare it with something, like price < 100
price > | the rule ends too early at 8; expected a number, a word, an indicator or '('
price > ) | unexpected ')' at 9; expected a number, a word, an indicator or '('
> 3 | unexpected '>' at 1; expected a number, a word, an indicator or '('
and price > 3 | unexpected 'and' at 1; a condition belongs before 'and'
price > 3 and | the rule ends too early at 14; expected a number, a word, an indicator or '('
price > 3 close | unexpected 'close' at 11; expected an operator, 'and', 'or' or the end
price > 3) | unexpected ')' at 10; there is no '(' for it
(price > 3 | missing ')' at 11; it closes the '(' at 1
(price 3) | missing ')' before '3' at 8; it closes the '(' at 1
max(price, 3 > low | missing ')' at 19; it closes the '(' at 4
max(price, 3 > low) > 1 | a condition inside max at 12; max is of numbers
max(price, 3 | missing ')' at 13; it closes the '(' at 4
max(price) > 3 | max with 1 value at 1; write max(a, b)
abs(price, 3) > 3 | abs with 2 values at 1; write abs(a)
abs(price > 3) > 1 | a condition inside abs at 5; abs is of numbers
high(20) > 3 | high takes nothing in parentheses at 1; did you mean highest(20)?
entry(20) > 3 | entry takes nothing in parentheses at 1; write entry alone
not price | 'not' before 'price' at 5; a condition belongs there, like price < 100
price and close > 3 | 'price' beside 'and' is no condition at 1; compare it with something, like price < 100
close > 3 or 5 | the number 5 beside 'or' is no condition at 14; compare it with something, like price < 100
price + (close > 3) > 3 | a condition beside '+' at 9; only numbers are calculated with; join conditions by 'and' and 'or'
-(close > 3) > 3 | a condition beside '-' at 2; only numbers are calculated with; join conditions by 'and' and 'or'
(close > 3) == (low > 3) | a condition beside '==' at 1; only numbers are compared; join conditions by 'and' and 'or'
price < 5 > 3 | unexpected '>' at 11; write two comparisons, with 'and' between them
price == close == low | unexpected '==' at 16; write two comparisons, with 'and' between them
1 < 2 | nothing in this comparison ever changes at 1; one side needs a word or an indicator
09:45 < 10:00 | nothing in this comparison ever changes at 1; one side needs a word or an indicator
time > 945 | 'time' is compared with the number 945 at 1; a time of day is compared with the word time: time >= 09:45
price > 09:45 | the clock time 09:45 is compared with 'price' at 9; a time of day is compared with the word time: time >= 09:45
held > 09:45 | 'held' is compared with the clock time 09:45 at 1; a time of day is compared with the word time: time >= 09:45
time + 5m > 09:45 | 'time' beside '+' at 1; only numbers are calculated with; a time is compared: time >= 09:45
held * 2 > 5m | 'held' beside '*' at 1; only numbers are calculated with; a duration is compared: held >= 30m
time > time | time is compared with itself at 1; write time >= 09:45
held < held | held is compared with itself at 1; write held >= 30m
time == 09:45 | '==' with time at 6; write < <= > or >=, like time >= 09:45
held != 30m | '!=' with held at 6; write < <= > or >=, like held >= 30m
price > 3 / 0 | division by zero at 13; a number other than 0 belongs there
price > close / (2 - 4 * 50%) | division by zero at 17; a number other than 0 belongs there
crosses_above(price, entry) | 'entry' inside crosses_above at 22; a cross is of the market alone, without reference, entry, peak and held
crosses_above(time, 3) | 'time' inside crosses_above at 15; crosses_above is of numbers
crosses_below(1, 2) | nothing in this cross ever changes at 1; one of its values needs a word or an indicator
crosses_above(close) | crosses_above with 1 value at 1; write crosses_above(a, b)
rsi(1) > 70 | rsi's bars is 1 at 5; expected a whole number from 2 to 1000
rsi(14.5) > 70 | rsi's bars is 14.5 at 5; expected a whole number from 2 to 1000
rsi(-14) > 70 | rsi's bars is -14 at 5; expected a whole number from 2 to 1000
rsi(close) + rsi(2000) > 70 | rsi's bars is 2000 at 18; expected a whole number from 2 to 1000
rsi(14, 3) > 70 | rsi has too many numbers at 9; it takes bars: rsi(14)
sma(50, close) > 3 | 'close' after sma's numbers at 9; write sma(close, 50)
bollinger(20, high).upper > 3 | 'high' after bollinger's numbers at 15; write bollinger(high, 20, 2)
price > atr(14, high) | atr has no choice of column at 17; write atr(14)
atr14 > 1 | unknown word 'atr14' at 1; write atr(14)
held > 90 | 'held' is compared with the number 90 at 1; write its unit: 90s, 90m, 90h or 90d
1.5 < held | 'held' is compared with the number 1.5 at 7; write its unit: 90s, 90m, 90h or 90d
rsi[14] > 70 | unexpected '[' at 4; write (
Close [1] > 3 | unexpected '[' at 7; there is no indexing; crosses_above and crosses_below look a bar back, roc(5) five
sma(20)[1] > 3 | unexpected '[' at 8; there is no indexing; crosses_above and crosses_below look a bar back, roc(5) five
rsi(14,) > 70 | unexpected ')' at 8; a number belongs after the comma
rsi(2 * 7) > 70 | missing ')' before '*' at 7; it closes the '(' at 4
rsi(low 14) > 70 | missing ')' before '14' at 9; it closes the '(' at 4
rsi(close + 1, 14) > 70 | missing ')' before '+' at 11; it closes the '(' at 4
rsi(price, 14) > 70 | rsi of 'price' at 5; expected one of open, high, low, close, volume
rsi(entry) > 70 | 'entry' for rsi's bars at 5; expected a whole number from 2 to 1000
rsi( | nothing for rsi's bars at 5; expected a whole number from 2 to 1000
atr(close, 14) > 3 | atr has no choice of column at 5; write atr(14)
macd(26, 12).line > 0 | macd: fast is 26 at 1; fewer bars than slow, 12, are expected
macd(12, 26, 9) > 0 | macd has several values at 1; write macd(12, 26, 9).line or macd(12, 26, 9).signal or macd(12, 26, 9).histogram
macd(12, 26, 9).x > 0 | 'x' is no value of macd at 17; expected one of line, signal, histogram
macd(12, 26, 9). | nothing is no value of macd at 17; expected one of line, signal, histogram
rsi(14).line > 0 | rsi has one value at 8; leave out the point and what follows it
vwap(3) > 0 | vwap takes nothing in parentheses at 1; write vwap alone
__import__ > 0 | unknown word '__import__' at 1; `riskcontrol strategy words` lists those that there are
price.real > 0 | unexpected '.' at 6; expected an operator, 'and', 'or' or the end
"""  # noqa: E501  # a mistake and its message are one line


@pytest.mark.parametrize("line", MISTAKES.splitlines())
def test_a_mistake_gets_an_error_at_its_column(line: str) -> None:
    written, _, message = line.partition(" | ")
    with pytest.raises(LanguageError) as caught:
        parse(written)
    error = caught.value
    assert error.message == message
    assert 1 <= error.column <= len(written) + 1
    assert error.expected
    assert message.endswith(error.expected)


@pytest.mark.parametrize("written", ["", "   ", "\n"])
def test_an_empty_rule_is_an_error_with_an_example(written: str) -> None:
    with pytest.raises(LanguageError, match="the rule is empty at 1; write a condition, like price <= reference"):
        parse(written)


def test_the_caret_stands_under_the_column() -> None:
    with pytest.raises(LanguageError) as caught:
        parse("30 < smaa(20)", field="buy")
    assert caught.value.pointed() == "30 < smaa(20)\n     ^"
    assert str(caught.value) == "buy: unknown word 'smaa' at 6; did you mean 'sma'?"
    assert caught.value.field == "buy"


def test_the_caret_of_a_long_rule_stands_under_the_column_of_an_excerpt() -> None:
    written = "close > 1 and " * 20 + "smaa(3) > 1" + " and close > 1" * 20
    with pytest.raises(LanguageError) as caught:
        parse(written)
    line, caret = caught.value.pointed().splitlines()
    assert line[caret.index("^") :].startswith("smaa(3)")
    assert len(line) <= 80


def test_control_characters_never_reach_the_terminal() -> None:
    with pytest.raises(LanguageError) as caught:
        parse("price > \x1b[31m\u202e")
    assert "\x1b" not in str(caught.value) + caught.value.pointed()
    assert caught.value.pointed().splitlines()[1].index("^") == 8


def test_an_error_survives_pickling() -> None:
    with pytest.raises(LanguageError) as caught:
        parse("price >", field="sell")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (str(again), again.column, again.text, again.field) == (str(caught.value), 8, "price >", "sell")


def test_parameters_are_accepted_only_where_they_are_asked_for() -> None:
    assert parse("price > $1", parameters=True) == above(Parameter(1))


def test_names_stand_for_numbers_in_rules_and_indicators() -> None:
    assert parse("price > sma(fast) * f", names={"fast": "5", "f": "1.5"}) == parse("price > sma(5) * 1.5")
    with pytest.raises(LanguageError, match="sma's bars is 0 at 13"):
        parse("price > sma(fast)", names={"fast": "0"})


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("(" * 400 + "price > 1" + ")" * 400, "too deeply nested"),
        ("not " * 400 + "price > 1", "too deeply nested"),
        ("price > " + "-" * 400 + "low", "too deeply nested"),
        ("price > " + "abs(" * 390 + "low" + ")" * 390, "too deeply nested"),
        ("price > " + "low+" * 400 + "low", "too deeply nested"),
        (" or ".join(["low>1"] * 200), "the rule is too long"),
        ("low" + "<low" * 150, "the rule is too long"),
        ("low > 1" + " " * MOST_CHARACTERS, f"the rule has {MOST_CHARACTERS + 7:,} characters"),
        ("price > " + "9" * 1900, "number too long"),
        ("held > " + "9" * 1900 + "d", "duration too long"),
        ("x" * 1900, "unknown word 'xxxxxxxxxxxxxxxxxxxxxxxx…'"),
    ],
)
def test_a_rule_beyond_the_limits_is_an_error(written: str, what: str) -> None:
    with pytest.raises(LanguageError) as caught:
        parse(written)
    assert caught.value.what == what


def test_rules_up_to_the_limits_are_accepted() -> None:
    parse("low > 1" + " " * (MOST_CHARACTERS - 7))
    parse("(" * (MOST_DEPTH - 1) + "low > 1" + ")" * (MOST_DEPTH - 1))
    parse(" or ".join(["low>1"] * ((MOST_NODES - 1) // 3)))


def test_an_expression_of_the_market_is_a_number() -> None:
    assert text(parse_number("sma(20) - 2 * vwap")) == "sma(close, 20) - 2 * vwap"
    for written in ("entry - 1", "price > 3", "time", "30m", "price +"):
        with pytest.raises(LanguageError):
            parse_number(written)


def test_every_word_is_described_and_parses() -> None:
    assert tuple(MARKET) == MARKET_WORDS
    assert tuple(POSITION) == POSITION_WORDS
    for name in {*MARKET, *POSITION} - {"time", "held"}:
        assert parse(f"{name} > 1") == Comparison(">", Word(name), Number("1"))


def test_every_indicator_parses_with_each_source_and_output() -> None:
    assert set(CALLED) == {name for name, known in INDICATORS.items() if not known.word}
    for name, known in CALLED.items():
        for output in known.outputs:
            node = parse_number(example(name, output))
            assert isinstance(node, Indicator)
            assert (node.name, node.source, node.output) == (name, known.source, output)
            assert len(node.parameters) == len(known.parameters)
