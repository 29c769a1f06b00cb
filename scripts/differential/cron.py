#!/usr/bin/env python3
"""Belfry's cron against cronsim and croniter, on seeded random cases.

    python3 -m venv /tmp/engines && /tmp/engines/bin/pip install cronsim croniter tzdata
    cargo build --release
    /tmp/engines/bin/python scripts/differential/cron.py --belfry target/release/belfry --cases 200000 --seed 1

Half of the questions are asked within two days of a change of clocks, in any zone of the database. Where an engine is known to
answer otherwise (docs and `EXPECTED` below), its answers are corrected by that one rule before they are compared, and the cases
in which the correction mattered are counted. Any difference that is left is printed, and the exit status is 1.
"""

import argparse
import json
import multiprocessing
import random
import re
import signal
import subprocess
import sys
import warnings
import zoneinfo
from collections import Counter
from datetime import datetime, time, timedelta, timezone
from importlib.resources import files

import tzdata
from croniter import CroniterBadDateError, croniter
from cronsim import CronSim

UTC = timezone.utc
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()

EXPECTED = {
    "cronsim: second pass": "asked inside the second pass of a repeated hour, it starts from the first pass and answers with what is past",
    "cronsim: doubled": "two lost times fire twice at the first instant after the gap; Belfry fires once",
    "cronsim: calendar gap": "a gap of more than three hours (a lost day) is made up for; Belfry skips it",
    "cronsim: open step": "`N/S` in minute or hour counts as a fixed time; Belfry lets it follow the clock",
    "cronsim: stumbles": "following the clock by whole hours and days, it loses or adds times on a day that begins in a gap, or "
    "where clocks change by half an hour",
    "cronsim: endless": "it searches without end",
    "croniter: endless": "it searches without end",
    "croniter: weekday step": "`N/S` in day-of-week ends at Saturday (6); to Belfry, and to cronsim, it goes on to Sunday (7)",
    "croniter: short month": "`31W` in a month of 30 days means the 30th; to Belfry such a month has no run",
    "croniter: calendar gap": "a gap of more than three hours (a lost day) is made up for; Belfry skips it",
    "croniter: whole field": "`0-23` is `*` to it, which follows the clock; to Belfry, as to Debian, only a star is",
    "croniter: both passes": "a fixed time fires in both passes of a repeated hour; Belfry's default is the first",
    "croniter: extra run": "an expression that follows the clock fires at the first instant after a gap in any case",
}


# ---- questions -------------------------------------------------------------------------------------------------------------


class Zones:
    """The zones of the database, with their changes of clocks."""

    def __init__(self):
        zoneinfo.reset_tzpath(to=[])
        self.names = files("tzdata").joinpath("zones").read_text().split()
        self.changes = {}

    def of(self, name):
        if name not in self.changes:
            self.changes[name] = list(changes(zoneinfo.ZoneInfo(name)))
        return self.changes[name]


def offset(zone, at):
    return at.astimezone(zone).utcoffset()


def changes(zone):
    """Each change of offset from FIRST to LAST: its instant and both offsets."""
    low = FIRST
    while low < LAST:
        high = low + timedelta(days=3)
        if offset(zone, low) != offset(zone, high):
            yield narrow(zone, low, high)
        low = high


def narrow(zone, low, high):
    before, after = offset(zone, low), offset(zone, high)
    while high - low > SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        middle = middle if middle > low else low + SECOND
        low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
    return high, before, after


def number_field(rng, low, high, names=None, night=False):
    def value():
        number = rng.randint(low, min(high, 3) if night and rng.random() < 0.7 else high)
        return number

    def shown(number):
        return names[number - low] if names and number - low < len(names) and rng.random() < 0.3 else str(number)

    def item():
        form = rng.random()
        if form < 0.55:
            return shown(value())
        # A range of one value is left out: to croniter it is the whole field.
        first, second = sorted((value(), value()))
        step = rng.randint(1, max(2, (high - low) // 2))
        if form < 0.75 and first < second:
            return f"{shown(first)}-{shown(second)}"
        if form < 0.9 and first < second:
            return f"{shown(first)}-{shown(second)}/{step}"
        return f"{first}/{step}" if rng.random() < 0.3 and first < high else shown(first)

    form = rng.random()
    if form < 0.1:
        return f"*/{rng.randint(1, max(2, (high - low) // 2))}"
    return ",".join(item() for _ in range(rng.choice((1, 1, 1, 2, 3))))


def expression(rng):
    minute = "*" if rng.random() < 0.1 else number_field(rng, 0, 59)
    hour = "*" if rng.random() < 0.2 else number_field(rng, 0, 23, night=True)
    day = "*" if rng.random() < 0.6 else special_day(rng) if rng.random() < 0.3 else number_field(rng, 1, 31)
    month = "*" if rng.random() < 0.7 else number_field(rng, 1, 12, MONTHS)
    weekday = "*" if rng.random() < 0.6 else special_weekday(rng) if rng.random() < 0.3 else number_field(rng, 0, 7, WEEKDAYS)
    return f"{minute} {hour} {day} {month} {weekday}"


def special_day(rng):
    return rng.choice(("L", "LW", f"{rng.randint(1, 31)}W", f"{rng.randint(1, 28)},L"))


def special_weekday(rng):
    return f"{rng.randint(0, 6)}L" if rng.random() < 0.4 else f"{rng.randint(0, 6)}#{rng.randint(1, 5)}"


def question(rng, zones, number):
    name = rng.choice(zones.names)
    turns = zones.of(name)
    if turns and rng.random() < 0.5:
        after = rng.choice(turns)[0] + timedelta(seconds=rng.randint(-172_800, 172_800))
    else:
        after = FIRST + timedelta(seconds=rng.randint(0, int((LAST - FIRST).total_seconds())))
    text = expression(rng)
    asked = {"id": number, "cron": text, "timezone": name, "after": shown(after), "count": rng.randint(1, 6)}
    translated = in_quartz(text)
    if translated and rng.random() < 0.3:
        asked |= {"cron": translated, "dialect": "quartz"}
    return asked, text


def in_quartz(text):
    """The same for Belfry's dialect of Quartz, where it can be said there: weekdays count from 1, one day field is `?`."""
    minute, hour, day, month, weekday = text.split()
    if weekday == "*":
        return f"0 {minute} {hour} {day} {month} ?"
    if day != "*" or "/" in weekday or "7" in weekday:
        return None
    plus_one = re.sub(r"(#?)(\d)", lambda digit: digit[0] if digit[1] else str(int(digit[2]) + 1), weekday)
    return f"0 {minute} {hour} ? {month} {plus_one}"


def shown(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def parsed(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


# ---- answers ---------------------------------------------------------------------------------------------------------------


class Case:
    """A question with what the corrections need to know of it."""

    def __init__(self, line, text, answer, turns):
        self.text, self.count = text, line["count"]
        self.ours = {parsed(at) for at in answer.get("times", [])}
        self.zone = zoneinfo.ZoneInfo(line["timezone"])
        self.after = parsed(line["after"])
        self.turns = turns
        minute, hour = self.text.split()[:2]
        self.open_step = any(re.match(r"\w+/", item) for field in (minute, hour) for item in field.split(","))
        self.fixed = not minute.startswith("*") and not hour.startswith("*") and not self.open_step

    def gap_ending_at(self, at):
        return next((after - before for change, before, after in self.turns if change == at and after > before), None)

    def is_made_up_for_a_day(self, at):
        return (self.gap_ending_at(at) or timedelta()) > 3 * HOUR and at not in self.ours

    def is_second_pass(self, at):
        return any(after < before and change <= at < change + (before - after) for change, before, after in self.turns)


def of_cronsim(case):
    """Its answers with names of the corrections that were needed; None where it does not know the form."""
    day, weekday = case.text.split()[2], case.text.split()[4]
    if re.search(r"\dW", day):
        return None
    if case.open_step and near_change(case):
        return "cronsim: open step"
    try:
        engine = CronSim(case.text, case.after.astimezone(case.zone))
    except Endless:
        raise
    except Exception as error:  # it refuses an expression
        return f"refused: {error}"
    needed, times = set(), []
    for at in take(engine, case.count + 40):
        if at <= case.after:
            needed.add("cronsim: second pass")
        elif times and at <= times[-1]:
            needed.add("cronsim: doubled")
        elif case.is_made_up_for_a_day(at):
            needed.add("cronsim: calendar gap")
        else:
            times.append(at)
        if len(times) == case.count:
            break
    return times, needed


def of_croniter(case):
    minute, hour, day, month, weekday = case.text.split()
    special = any(letter in f"{day}{re.sub('[A-Z]{3}', '', weekday)}" for letter in "LW#")
    if day == "LW" or special and not day.startswith("*") and not weekday.startswith("*"):
        return None
    if re.search(r"(^|,)\w+/", weekday):
        return "croniter: weekday step"
    if near_change(case) and (is_whole(minute, 59) or is_whole(hour, 23)):
        return "croniter: whole field"
    if re.search(r"(29|30|31)W", day):
        return "croniter: short month"
    weekday = re.sub(r"(\d)L", r"L\1", weekday)
    text = " ".join((minute, hour, day, month, weekday))
    try:
        engine = croniter(text, case.after.astimezone(case.zone), ret_type=datetime, implement_cron_bug=True)
    except Endless:
        raise
    except Exception as error:
        return f"refused: {error}"
    needed, times = set(), []
    for _ in range(case.count + 200):
        try:
            at = engine.get_next(datetime).astimezone(UTC)
        except CroniterBadDateError:  # none within its horizon
            break
        if case.fixed and case.is_second_pass(at):
            needed.add("croniter: both passes")
        elif case.is_made_up_for_a_day(at):
            needed.add("croniter: calendar gap")
        elif not case.fixed and case.gap_ending_at(at) and not shows(case, at):
            needed.add("croniter: extra run")
        else:
            times.append(at)
        if len(times) == case.count:
            break
    return times, needed


def stumbles(case, times):
    """Whether a change of the kind that cronsim does not follow lies on a day of the answers."""
    if case.fixed or not times:
        return False
    day = timedelta(days=1)
    near = [turn for turn in case.turns if case.after - day <= turn[0] <= max(times) + day]
    return any((after - before) % HOUR or (at + before).minute or begins_in_gap(at, before, after) for at, before, after in near)


def begins_in_gap(at, before, after):
    return after > before and ((at + before).date() != (at + after).date() or (at + before).time() == time())


def take(engine, count):
    for _ in range(count):
        try:
            yield next(engine).astimezone(UTC)
        except StopIteration:
            return


def near_change(case):
    return any(abs(change - case.after) < timedelta(days=800) for change, *_ in case.turns)


def shows(case, at):
    """Whether the time fields match what a clock shows: the days do not matter where this is asked."""
    local = at.astimezone(case.zone)
    minute, hour = case.text.split()[:2]
    return holds(minute, local.minute, 0, 59) and holds(hour, local.hour, 0, 23)


def is_whole(field, high):
    return not field.startswith("*") and all(holds(field, value, 0, high) for value in range(high + 1))


def holds(field, value, low, high):
    for item in field.split(","):
        base, _, step = item.partition("/")
        first, dash, last = base.partition("-")
        if base == "*":
            first, last = low, high
        else:
            first = int(first)
            last = int(last) if dash else high if step else first
        if first <= value <= last and (value - first) % int(step or 1) == 0:
            return True
    return False


class Endless(Exception):
    """An engine was still searching after PATIENCE."""


PATIENCE = 5.0  # seconds of processor time


def patiently(engine, case, name):
    """Its answer, or that there was none: some expressions keep an engine busy for ever."""

    def give_up(*_):
        raise Endless

    signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        return engine(case)
    except Endless:
        return f"{name}: endless"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


ENGINES = {"cronsim": of_cronsim, "croniter": of_croniter}


ZONES = Zones()


def judge(work):
    """Compares a slice of the answers; gives counts and the differences."""
    warnings.simplefilter("ignore")
    lines, answers = work
    counts, differences = Counter(), []
    for (line, text), answer in zip(lines, answers):
        case = Case(line, text, answer, ZONES.of(line["timezone"]))
        for name, engine in ENGINES.items():
            theirs = patiently(engine, case, name)
            if theirs is None:
                counts[f"{name}: form unknown to it"] += 1
            elif isinstance(theirs, str):
                kind = theirs if theirs in EXPECTED else f"{name}: refused by it"
                kind = f"{name}: refused by both" if theirs.startswith("refused") and "error" in answer else kind
                counts[kind] += 1
                if kind.endswith("endless"):
                    print(f"{theirs}: {json.dumps(line)}", file=sys.stderr)
                if kind.endswith("refused by it"):
                    differences.append((name, line, answer, theirs))
            else:
                times, needed = theirs
                counts[f"{name}: compared"] += 1
                counts.update(needed)
                ours = answer.get("times", [])
                if ours == [shown(at) for at in times]:
                    continue
                if name == "cronsim" and stumbles(case, times + list(case.ours)):
                    counts["cronsim: stumbles"] += 1
                else:
                    differences.append((name, line, answer, [shown(at) for at in times]))
    return counts, differences


def ask(belfry, lines):
    asked = "".join(json.dumps(line) + "\n" for line in lines)
    answered = subprocess.run([belfry, "schedule", "preview", "--batch"], input=asked, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in answered.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [line["id"] for line in lines], "an answer is missing"
    return answers


def same_zone_data(belfry):
    version = subprocess.run([belfry, "--version"], capture_output=True, text=True, check=True).stdout
    if tzdata.IANA_VERSION not in version:
        sys.exit(f"the package tzdata has {tzdata.IANA_VERSION}, but {belfry} says {version.strip()}: install the one of the same release")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--belfry", default="belfry", help="the program to ask")
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=20, help="how many differences to print")
    arguments = parser.parse_args()
    same_zone_data(arguments.belfry)
    rng = random.Random(arguments.seed)
    lines = [question(rng, ZONES, number) for number in range(arguments.cases)]
    answers = ask(arguments.belfry, [line for line, _ in lines])
    slices = [(lines[at : at + 1000], answers[at : at + 1000]) for at in range(0, len(lines), 1000)]
    counts, differences = Counter(), []
    with multiprocessing.Pool() as pool:
        for more_counts, more_differences in pool.imap_unordered(judge, slices):
            counts.update(more_counts)
            differences.extend(more_differences)
    print(f"{arguments.cases} cases, seed {arguments.seed}, zone data {tzdata.IANA_VERSION}")
    for name, count in sorted(counts.items()):
        print(f"{count:9}  {name}{': ' + EXPECTED[name] if name in EXPECTED else ''}")
    print(f"{len(differences):9}  differences")
    for name, line, ours, theirs in differences[: arguments.show]:
        print(f"\n{name}: {json.dumps(line)}\n  Belfry {json.dumps(ours)}\n  {name} {json.dumps(theirs)}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
