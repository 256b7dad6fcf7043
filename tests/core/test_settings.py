"""A flag beats the environment, which beats the TOML file; secrets are never shown."""

from __future__ import annotations

import pickle
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from riskcontrol.cli.options import with_settings
from riskcontrol.errors import SettingsError
from riskcontrol.settings import Settings, load
from riskcontrol.settings_file import line_in


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_flag_beats_the_environment_which_beats_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().topic == "tape"
    (folder / "riskcontrol.toml").write_text('topic = "file"\nshards = 7\n')
    assert (load().topic, load().shards) == ("file", 7)
    monkeypatch.setenv("RISKCONTROL_TOPIC", "environment")
    assert (load().topic, load().shards) == ("environment", 7)
    assert load(topic="flag").topic == "flag"
    assert load(topic=None).topic == "environment"


def test_another_file_can_be_named(folder: Path) -> None:
    (folder / "other.toml").write_text('keyspace = "other"\n')
    assert load(folder / "other.toml").keyspace == "other"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\nshards = 0", "line 2, shards: 0 is not accepted; write a whole number from 1 to 1,024"),
        ('shards = "many"', "line 1, shards: 'many' is not accepted; write a whole number from 1 to 1,024"),
        ("topic = 3", "line 1, topic: 3 is not accepted; write 1 to 200 letters, digits, '.', '_' or '-' in quotes"),
        (
            'keyspace = "no; spaces"',
            "line 1, keyspace: 'no; spaces' is not accepted; "
            "write a letter and up to 47 more of a-z, 0-9 and '_', in quotes",
        ),
        ("kafka = 7", "line 1, kafka: 7 is not accepted; write text in quotes"),
        ('\n"sha rds" = 1', "line 2, sha rds: unknown setting; did you mean 'shards'?"),
        ("'s3-region' = 1", "line 1, s3-region: unknown setting; did you mean 's3_region'?"),
        ('tpoic = "typing error"', "line 1, tpoic: unknown setting; did you mean 'topic'?"),
        ("s3_secret_key = [4711]", "line 1, s3_secret_key: what is there is not accepted; write text in quotes"),
    ],
)
def test_a_wrong_setting_is_told_with_its_file_line_and_remedy(folder: Path, text: str, told: str) -> None:
    (folder / "riskcontrol.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load()
    assert str(caught.value) == f"riskcontrol.toml, {told}"


def test_a_setting_like_no_other_is_told_what_there_is(folder: Path) -> None:
    (folder / "riskcontrol.toml").write_text("xyzzy = 1")
    with pytest.raises(SettingsError, match="xyzzy: unknown setting; known are home, kafka, topic, shards, "):
        load()


def test_a_file_that_is_no_toml_is_told(folder: Path) -> None:
    (folder / "riskcontrol.toml").write_text("= nonsense")
    with pytest.raises(SettingsError, match=r"riskcontrol\.toml is not TOML: .*line 1"):
        load()


def test_a_wrong_value_is_told_with_the_flag_or_variable_that_says_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = "is not accepted; write a whole number from 1 to 1,024"
    monkeypatch.setenv("RISKCONTROL_SHARDS", "x")
    with pytest.raises(SettingsError) as caught:
        load()
    assert str(caught.value) == f"RISKCONTROL_SHARDS: 'x' {wanted}"
    with pytest.raises(SettingsError) as caught:
        load(shards=0)
    assert str(caught.value) == f"--shards: 0 {wanted}"


def test_a_misspelt_variable_is_not_left_out_silently(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JAVA", "JARS", "MAVEN", "KAFKA_HEAP", "CASSANDRA_HEAP", "EXECUTOR_HEAP", "STREAM_SNAPSHOT_EVERY"):
        monkeypatch.setenv(f"RISKCONTROL_{name}", "1")
    assert load() == Settings()
    monkeypatch.setenv("RISKCONTROL_SHARDZ", "3")
    with pytest.raises(SettingsError) as caught:
        load()
    told = "RISKCONTROL_SHARDZ: unknown variable of the environment; did you mean 'RISKCONTROL_SHARDS'?"
    assert str(caught.value) == told
    monkeypatch.delenv("RISKCONTROL_SHARDZ")
    monkeypatch.setenv("RISKCONTROL_SECRETS", "x")
    with pytest.raises(SettingsError, match="did you mean 'RISKCONTROL_SECRET'"):
        load()
    monkeypatch.delenv("RISKCONTROL_SECRETS")
    monkeypatch.setenv("riskcontrol_shards", "3")
    assert load().shards == 3
    monkeypatch.setenv("Riskcontrol_shardz", "3")
    with pytest.raises(SettingsError, match=r"Riskcontrol_shardz: unknown variable .* 'RISKCONTROL_SHARDS'"):
        load()


def test_a_file_that_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml is not a file"):
        load(folder / "gone.toml")


def test_secrets_are_not_shown(folder: Path) -> None:
    settings = load(s3_secret_key="hush", cassandra_password="hush")
    assert "hush" not in repr(settings) + str(settings)
    assert settings.s3_secret_key.get_secret_value() == "hush"


def test_settings_reach_the_workers(folder: Path) -> None:
    settings = load(topic="other")
    assert type(settings) is Settings
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301  our own


@click.command("replay")
@click.option("--speed", type=float, default=1.0)
@with_settings("topic")
def replay(settings: Settings, speed: float) -> None:
    click.echo(f"{settings.topic} {speed:g}")


def said(*arguments: str, **environment: str) -> str:
    group = click.Group("riskcontrol", {"replay": replay}, context_settings={"auto_envvar_prefix": "RISKCONTROL"})
    result = CliRunner().invoke(group, ["replay", *arguments], env=environment, prog_name="riskcontrol")
    return result.output.strip() or repr(result.exception)


def test_options_of_a_command_follow_the_same_order(folder: Path) -> None:
    assert said() == "tape 1"
    (folder / "riskcontrol.toml").write_text('topic = "file"\n[replay]\nspeed = 60\n')
    assert said() == "file 60"
    assert said(RISKCONTROL_REPLAY_SPEED="5", RISKCONTROL_TOPIC="environment") == "environment 5"
    assert said("--speed", "2", "--topic", "flag", RISKCONTROL_REPLAY_SPEED="5") == "flag 2"
    (folder / "riskcontrol.toml").write_text("[replay]\nsped = 60\n")
    assert "riskcontrol.toml, line 2, replay.sped: unknown option; did you mean 'speed'?" in said()
    (folder / "riskcontrol.toml").write_text("\n[reply]\nspeed = 60\n")
    assert "riskcontrol.toml, line 2, reply: unknown table; did you mean 'replay'?" in said()
    (folder / "riskcontrol.toml").write_text('[replay]\ntopic = "file"\n')
    assert "above the tables" in said()


WRITTEN = """\
kafka = '''
shards = 7
'''
shards = 7  # topic = 1
topics = [
"keyspace = 8",
]
[ users . "generate" ]  # here
count = 1
"a\\u0020b" = 2
[bars]
sort-by = { "x.y" = 1 }
[[tickers]]
'limit' = 1
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("shards",), 4),
        (("topic",), None),
        (("topics",), 5),
        (("keyspace",), None),
        (("users",), 8),
        (("users", "generate"), 8),
        (("users", "generate", "count"), 9),
        (("users", "generate", "a b"), 10),
        (("users", "count"), None),
        (("bars", "sort-by", "x.y"), 12),
        (("tickers", "limit"), 14),
    ],
)
def test_the_line_of_a_key_is_told_however_it_is_written(folder: Path, keys: tuple[str, ...], line: int | None) -> None:
    (folder / "x.toml").write_text(WRITTEN)
    assert line_in(folder / "x.toml", *keys) == line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = " + "[" * 60_000, "x.toml is not TOML: it is nested too deeply"),
        ("shards = " + "9" * 5_000, "x.toml is not TOML: Exceeds the limit"),
        ("topic = '\udcff'", "x.toml is not TOML: 'utf-8' codec can't decode"),
    ],
)
def test_a_hostile_file_is_told(folder: Path, text: str, told: str) -> None:
    (folder / "x.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match=told):
        load(folder / "x.toml")
