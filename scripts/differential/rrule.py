#!/usr/bin/env python3
"""Belfry's recurrence rules against python-dateutil, on seeded random rules.

    python3 -m venv /tmp/engines && /tmp/engines/bin/pip install python-dateutil tzdata
    cargo build --release
    /tmp/engines/bin/python scripts/differential/rrule.py --belfry target/release/belfry --rules 50000 --seed 1

Most rules are compared in UTC, some of them with RDATE and EXDATE. The others have a TZID: dateutil walks the clock without
a zone, so its wall times are read here with the offset before a gap and the first pass of a fold (RFC 5545, 3.3.5), which
is what Belfry promises for DAILY and slower. HOURLY and faster are absolute time in Belfry, and compared in UTC alone.

Where the engines are known to differ, the rule is not compared: each class is named in KNOWN, told by what the rule says
and never by what was answered, and counted. Any difference that is left is printed, and the exit status is 1.
"""
import argparse
import collections
import datetime as dt
import itertools
import json
import random
import signal
import subprocess
import sys
import warnings
import zoneinfo

import tzdata
from dateutil import rrule as du

UTC = dt.timezone.utc
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana", "Pacific/Apia",
         "Asia/Kathmandu", "Africa/Casablanca", "America/Sao_Paulo", "Asia/Beirut"]
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
FREQUENCIES = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]
# Seconds of processor time for one rule in dateutil, which looks at every period.
PATIENCE = 0.05

KNOWN = {
    "mixed BYDAY": "BYDAY=MO,1TU is the union of both; dateutil asks for both at once",
    "first week with BYSETPOS": "a set is a whole week; dateutil's first one begins at DTSTART",
    "negative BYWEEKNO": "weeks that reach into a neighbouring year count there by that year's numbers; dateutil leaves out "
                         "some of the negative ones (its source says TODO)",
    "last week of the year before": "dateutil takes this year's length where it counts last year's weeks",
}


def numbers(random_, low, high, most, signed=False):
    chosen = {random_.randint(low, high) for _ in range(random_.randint(1, most))}
    if signed:
        chosen = {number if random_.random() < 0.7 else -number for number in chosen}
    return sorted(chosen)


def draw(random_):
    """A rule as a dict of parts, and its DTSTART."""
    frequency = random_.choice(FREQUENCIES)
    slow = FREQUENCIES.index(frequency) < 4
    start = dt.datetime(random_.choice([1996, 1999, 2000, 2015, 2023, 2024, 2026]), random_.randint(1, 12), random_.randint(1, 28),
                        random_.randint(0, 23), random_.randint(0, 59), random_.choice([0, 0, 0, random_.randint(0, 59)]))
    if random_.random() < 0.2:
        start = start.replace(day=1) + dt.timedelta(days=random_.randint(27, 31))
    parts = {"FREQ": frequency}
    if random_.random() < 0.5:
        most = {"YEARLY": 5, "MONTHLY": 20, "WEEKLY": 60, "DAILY": 400, "HOURLY": 100, "MINUTELY": 3000, "SECONDLY": 100000}[frequency]
        parts["INTERVAL"] = random_.choice([2, 2, 3, random_.randint(1, most)])
    if random_.random() < 0.4:
        parts["WKST"] = random_.choice(WEEKDAYS)
    maybe = lambda chance: random_.random() < chance
    if maybe(0.3):
        parts["BYMONTH"] = numbers(random_, 1, 12, 4)
    if frequency == "YEARLY" and maybe(0.25):
        parts["BYWEEKNO"] = numbers(random_, 1, 53, 4, signed=True)
    if frequency not in ("DAILY", "WEEKLY", "MONTHLY") and maybe(0.2):
        parts["BYYEARDAY"] = numbers(random_, 1, 366, 5 if slow else 40, signed=True)
    if frequency != "WEEKLY" and maybe(0.25):
        parts["BYMONTHDAY"] = numbers(random_, 1, 31, 5, signed=True)
    if maybe(0.35):
        days = random_.sample(WEEKDAYS, random_.randint(1, 4))
        if frequency in ("MONTHLY", "YEARLY") and "BYWEEKNO" not in parts and maybe(0.6):
            most = 5 if frequency == "MONTHLY" or "BYMONTH" in parts else 52
            keep_plain = maybe(0.1)
            days = [day if keep_plain and maybe(0.5) else f"{random_.choice(['', '+', '-'])}{random_.randint(1, most)}{day}" for day in days]
        parts["BYDAY"] = days
    if maybe(0.3):
        parts["BYHOUR"] = numbers(random_, 0, 23, 4)
    if maybe(0.3):
        parts["BYMINUTE"] = numbers(random_, 0, 59, 4)
    if maybe(0.2):
        parts["BYSECOND"] = numbers(random_, 0, 59, 3)
    if any(part.startswith("BY") for part in parts) and maybe(0.25):
        parts["BYSETPOS"] = numbers(random_, 1, random_.choice([2, 5, 20, 366]), 3, signed=True)
    end = random_.random()
    if end < 0.25:
        parts["COUNT"] = random_.choice([1, 2, 5, 30, 200])
    elif end < 0.45:
        parts["UNTIL"] = start + dt.timedelta(seconds=random_.randint(1, 86400 * random_.choice([1, 30, 400, 4000])))
    return parts, start


def known_difference(parts, start):
    days = parts.get("BYDAY", [])
    if any(len(day) > 2 for day in days) and any(len(day) == 2 for day in days):
        return "mixed BYDAY"
    if parts["FREQ"] == "WEEKLY" and "BYSETPOS" in parts and WEEKDAYS[start.weekday()] != parts.get("WKST", "MO"):
        return "first week with BYSETPOS"
    weeks = parts.get("BYWEEKNO", [])
    if any(week in (-52, -53) for week in weeks):
        return "negative BYWEEKNO"
    if any(week in (52, 53) for week in weeks) and -1 not in weeks:
        return "last week of the year before"
    return None


def text(parts, until_format="%Y%m%dT%H%M%SZ"):
    def value(part):
        if isinstance(part, dt.datetime):
            return part.strftime(until_format)
        return ",".join(map(str, part)) if isinstance(part, list) else str(part)
    return ";".join(f"{name}={value(part)}" for name, part in parts.items())


class TooSlow(Exception):
    pass


def slow(*_):
    raise TooSlow


def dateutil_rule(parts, start, dates, exceptions):
    parts = dict(parts)
    # Belfry derives the weekday from DTSTART, as RFC 5545 says of what a rule leaves open; dateutil takes all seven.
    if "BYWEEKNO" in parts and not {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & parts.keys():
        parts["BYDAY"] = [WEEKDAYS[start.weekday()]]
    rule = du.rrulestr(text(parts, "%Y%m%dT%H%M%S"), dtstart=start)
    if not dates and not exceptions:
        return rule
    whole = du.rruleset()
    whole.rrule(rule)
    for date in dates:
        whole.rdate(date)
    for exception in exceptions:
        whole.exdate(exception)
    return whole


def first_after(after, count, parts, start, dates, exceptions):
    """Naive times of dateutil. A rule that it refuses as one without a time leaves the RDATEs."""
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        return list(itertools.islice((time for time in dateutil_rule(parts, start, dates, exceptions) if time > after), count))
    except ValueError:
        return [date for date in sorted(set(dates) - set(exceptions)) if date > after][:count]
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def instant(zone, naive):
    """RFC 5545, 3.3.5: fold 0 is the first pass, and in a gap the offset before it."""
    return naive.replace(tzinfo=zone, fold=0).astimezone(UTC)


def rfc3339(instant_):
    return instant_.strftime("%Y-%m-%dT%H:%M:%SZ")


def question(random_, number, counts):
    """A rule that both engines answer alike, with dateutil's answer."""
    while True:
        parts, start = draw(random_)
        counts["drawn"] += 1
        in_zone = FREQUENCIES.index(parts["FREQ"]) < 4 and random_.random() < 0.45
        zone = zoneinfo.ZoneInfo(random_.choice(ZONES)) if in_zone else UTC
        after = start + dt.timedelta(seconds=random_.choice([-1, -86400, 0, random_.randint(0, 86400 * random_.choice([1, 40, 900]))]))
        count = random_.choice([1, 3, 10, 30])
        near = lambda: start + dt.timedelta(seconds=random_.randint(-86400 * 3, 86400 * random_.choice([1, 30, 400])))
        dates = [near() for _ in range(random_.randint(1, 4))] if not in_zone and random_.random() < 0.15 else []
        excepts = not in_zone and random_.random() < 0.2
        difference = known_difference(parts, start)
        if difference:
            counts[f"known: {difference}"] += 1
            continue
        if in_zone and "UNTIL" in parts and is_special(zone, parts["UNTIL"]):
            counts["UNTIL in a gap or fold, not compared"] += 1
            continue
        try:
            exceptions = first_after(start, 30, parts, start, dates, []) if excepts else []
            exceptions = random_.sample(exceptions, min(len(exceptions), 5))
            # More than is compared: around a gap the order of instants is not that of wall times.
            from_ = after - dt.timedelta(days=3) if in_zone else after
            times = first_after(from_, count + surplus(parts, in_zone), parts, start, dates, exceptions)
        except TooSlow:
            counts["dateutil too slow, not compared"] += 1
            continue
        first = instant(zone, after)
        answer = [at for at in sorted({instant(zone, time) for time in times}) if at > first][:count]
        if in_zone and "UNTIL" in parts:
            parts = {**parts, "UNTIL": instant(zone, parts["UNTIL"])}
        local = lambda time: time.strftime("%Y%m%dT%H%M%S") + ("" if in_zone else "Z")
        lines = [f"DTSTART;TZID={zone.key}:{local(start)}" if in_zone else f"DTSTART:{local(start)}", f"RRULE:{text(parts)}"]
        lines += [f"{name}:{','.join(map(local, those))}" for name, those in (("RDATE", dates), ("EXDATE", exceptions)) if those]
        counts[f"compared: {parts['FREQ']}{' in a zone' if in_zone else ''}{' with RDATE or EXDATE' if len(lines) > 2 else ''}"] += 1
        asked = {"id": number, "rrule": "\n".join(lines), "timezone": "UTC", "after": rfc3339(first), "count": count}
        return asked, [rfc3339(at) for at in answer]


def is_special(zone, naive):
    """Whether clocks of the zone never show this time, or show it twice."""
    first, second = (naive.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first != second


def surplus(parts, in_zone):
    return 0 if not in_zone else 4000 if dense(parts) else 60


def dense(parts):
    """Whether three days may hold more times than are drawn beyond the ones compared."""
    each = 1
    for part in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        each *= len(parts.get(part, [0]))
    return each > 10


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rules", type=int, default=50_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--belfry", default="belfry", help="the program to ask")
    arguments.add_argument("--show", type=int, default=10, help="how many differences to print")
    options = arguments.parse_args()
    # The bundled data of both sides, never the host's; a newer release on one side shows as differences in its zones.
    zoneinfo.reset_tzpath(to=[])
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGVTALRM, slow)
    random_ = random.Random(options.seed)
    counts = collections.Counter()
    asked = [question(random_, number, counts) for number in range(options.rules)]
    lines = "".join(json.dumps(line) + "\n" for line, _ in asked)
    answers = subprocess.run([options.belfry, "schedule", "preview", "--batch"], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    if len(answers) != len(asked):
        sys.exit(f"{len(asked)} rules were asked, {len(answers)} answered")
    differences = 0
    for (line, wanted), answer in zip(asked, map(json.loads, answers)):
        found = answer.get("times", [])
        # A rule without any time is refused by Belfry, and empty or refused in dateutil.
        counts["without a time in both"] += not wanted and not found
        counts["refused by Belfry as never firing"] += "error" in answer and not wanted
        if wanted and "steps that a search may take" in answer.get("error", ""):
            # Every search is bounded: such a rule is refused when it is saved, never fired wrongly.
            counts["refused by Belfry as too rare for its bound, not compared"] += 1
        elif found != wanted:
            differences += 1
            if differences <= options.show:
                print(f"DIFFERENT {json.dumps(line)}\n  dateutil {wanted}\n  belfry   {answer}")
    for name, count in sorted(counts.items()):
        print(f"{count:8}  {name}" + (f" ({KNOWN[name[7:]]})" if name.startswith("known: ") else ""))
    print(f"{len(asked)} rules compared, seed {options.seed}: {differences} differences (tzdata {tzdata.IANA_VERSION})")
    sys.exit(differences > 0)


if __name__ == "__main__":
    main()
