#!/usr/bin/env python3
"""The page of `vambrace review --html` in a real browser: what a person can do
with it, with the mouse, with keys alone, on paper and on a small screen."""

import functools
import json
import os
import re

import support
from browser import Browser, require_browser

BUILD = os.environ.get("VAMBRACE_BUILD", os.path.dirname(support.VAMBRACE))

# Names that try to leave their place. The command and the page must have them
# as they are.
HOSTILE = """</script><img src=x onerror=alert(1)>"'`&{{data}}\\\n\u202e$(id)"""


@functools.lru_cache
def page(tail=""):
    """The page of a made-up review, with the tail in every name."""
    require_browser()
    made = support.run(os.path.join(BUILD, "tests", "sample_page"), tail)
    assert made.code == 0, made
    return support.write(f"{support.temp_dir()}/page.html", made.out)


def opened(tail="", fragment="", **options):
    browser = Browser(**options)
    browser.open(f"file://{page(tail)}{fragment}")
    return browser


def shown(browser, kind):
    """The rules of a kind that are to be seen."""
    return browser.value(f"""[...document.querySelectorAll('.{kind}:not([hidden]) > details > summary .subject')]
        .map((found) => found.textContent)""")


def text(browser, selector):
    return browser.value(f"document.querySelector({selector!r}).textContent")


def choose(browser, facet, value):
    browser.click(f"#facets input[name={facet}][value={value}]")


def open_rule(browser, subject):
    """Opens the line of a rule by a click; says where it is."""
    place = browser.value(f"""(() => {{
        const found = [...document.querySelectorAll('.rule')].find((rule) =>
            rule.querySelector('.subject').textContent === {subject!r});
        found.id = 'opened-' + found.dataset.list + found.dataset.index;
        return '#' + found.id;
    }})()""")
    browser.click(f"{place} summary .subject")
    browser.wait(f"document.querySelector('{place} .decide, {place} .more .note') !== null")
    return place


def quiet(browser):
    """Nothing was complained of and nothing was asked for but the page."""
    assert browser.console == [], browser.console
    assert {url.split("#")[0] for url in browser.requests} == {browser.page}, browser.requests


# --- With the mouse ----------------------------------------------------------

def test_search_finds_rules_calls_and_remarks():
    browser = opened()
    everything = len(shown(browser, "grant"))
    browser.click("#search")
    browser.type("MREMAP")
    assert shown(browser, "candidate") == ["syscall mremap"], shown(browser, "candidate")
    assert len(shown(browser, "grant")) == 0
    assert "1 of " in text(browser, "#shown"), text(browser, "#shown")
    assert "0 of" in text(browser, "#granted h2 .count")
    assert browser.value("location.hash") == "#q=MREMAP"
    browser.key("Escape")
    assert len(shown(browser, "grant")) == everything
    assert browser.value("location.hash") == ""
    browser.type("heap overflow")
    assert browser.value("document.querySelectorAll('#advisories .item:not([hidden])').length") == 1
    browser.key("Escape")
    assert not browser.value("document.querySelector('.fold').open")
    browser.type("a race")
    assert browser.value("document.querySelector('.fold .item').checkVisibility()")
    quiet(browser)


def test_filters_narrow_count_and_stay_in_the_address():
    browser = opened()
    choose(browser, "risk", "high")
    high = shown(browser, "grant")
    assert "syscall ptrace" in high and "syscall read" not in high, high
    choose(browser, "layer", "capabilities")
    assert shown(browser, "grant") == ["capability NET_ADMIN"], shown(browser, "grant")
    # A number is what its choice would show beside the other filters.
    counts = browser.value("""Object.fromEntries([...document.querySelectorAll('#facets input')]
        .map((input) => [input.value, Number(input.parentElement.querySelector('b').textContent)]))""")
    assert counts["capabilities"] == 1 and counts["low"] == 0, counts
    assert counts["seccomp"] == len([name for name in high if name.startswith("syscall")]), counts
    fragment = browser.value("location.hash")
    again = opened(fragment=fragment)
    assert shown(again, "grant") == ["capability NET_ADMIN"]
    again.click("#reset")
    again.wait("location.hash === ''")
    choose(again, "seen", "unobserved")
    assert len(shown(again, "candidate")) == 5
    assert "syscall read" not in shown(again, "grant")
    choose(again, "seen", "unobserved")
    choose(again, "decided", "decided")
    assert shown(again, "grant") == ["syscall ptrace"]
    again.click("#reset")
    choose(again, "origin", "runtime")
    assert "syscall clone" in shown(again, "grant")
    assert shown(again, "candidate") == []
    quiet(browser)
    quiet(again)


def test_a_line_opens_to_its_chain_and_reasons():
    browser = opened()
    place = open_rule(browser, "syscall splice")
    chain = browser.value(f"""[...document.querySelectorAll('{place} .chain li')]
        .map((step) => [...step.children].map((part) => part.textContent))""")
    assert chain == [["entry point", "main", "/usr/sbin/nginx"],
                     ["called", "realloc", "/lib/libc.so.6"],
                     ["which makes", "syscall splice"]], chain
    place = open_rule(browser, "syscall ptrace")
    told = text(browser, f"{place} .more")
    for words in ("controls other processes", "request is 0x0", "CVE-2022-0185", "12×",
                  "observed: /usr/sbin/nginx"):
        assert words in told, (words, told)
    browser.click("#expand")
    assert browser.value("document.querySelectorAll('.rule > details:not([open])').length") == 0
    quiet(browser)


def decide(browser, subject, choice, why, until=""):
    place = open_rule(browser, subject)
    browser.click(f"{place} .decide input[value={choice}]")
    browser.click(f"{place} .decide [name=why]")
    browser.type(why)
    if until:
        browser.value(f"document.querySelector('{place} [name=until]').value = '{until}'")
    browser.click(f"{place} .decide button")
    return place


def test_decisions_become_commands_and_lines_of_the_bundle():
    browser = opened()
    place = decide(browser, "capability NET_ADMIN", "drop", "it's not \"ours\"")
    browser.click("#who")
    browser.type("Ada L")
    decide(browser, "syscall read", "waive", "until split", "2027-01-31")
    assert text(browser, "#commands").splitlines() == EXPECTED_COMMANDS, text(browser, "#commands")
    assert text(browser, "#yaml") == EXPECTED_YAML, text(browser, "#yaml")
    assert text(browser, f"{place} summary .standing") == "drop"
    assert "2 decisions" in text(browser, ".tray")
    choose(browser, "decided", "decided")
    assert "capability NET_ADMIN" in shown(browser, "grant")
    # They are there again when the page is.
    browser.open(f"file://{page()}?again")
    assert len(text(browser, "#commands").splitlines()) == 2
    browser.click("#collected .picks button")
    assert len(text(browser, "#commands").splitlines()) == 1
    browser.click("#collected .picks button")
    assert browser.value("document.querySelector('#collected').hidden")
    assert text(browser, "#collected .picks") == ""
    assert browser.console == [], browser.console


def test_what_opens_the_same_is_decided_about_together():
    browser = opened()
    place = open_rule(browser, "syscall mremap")
    assert browser.value(f"document.querySelector('{place} .together').hidden")
    place = open_rule(browser, "syscall statx")
    assert "syscall splice" in text(browser, f"{place} .together"), text(browser, place)
    assert "syscall splice" in text(browser, f"{place} .facts"), text(browser, place)
    browser.click(f"{place} .decide input[value=drop]")
    browser.click(f"{place} .together input")
    browser.click(f"{place} .decide [name=why]")
    browser.type("not ours")
    browser.click(f"{place} .decide button")
    assert text(browser, "#commands").splitlines() == [
        f"vambrace review 'my bundle' drop 'syscall {name}' --why 'not ours'"
        for name in ("statx", "splice")], text(browser, "#commands")
    # The other one's form has it, and asks about none that is decided about.
    other = open_rule(browser, "syscall splice")
    assert browser.value(f"document.querySelector('{other} [name=why]').value") == "not ours"
    assert browser.value(f"document.querySelector('{other} .together').hidden")
    # What opens nothing new is one thing to decide about, too.
    place = open_rule(browser, "syscall preadv")
    assert "all that opens nothing new: syscall preadv2" in text(
        browser, f"{place} .together"), text(browser, place)
    assert "opened already byread" in text(browser, f"{place} .facts"), text(browser, place)
    # Each is a decision of its own from then on.
    browser.click("#collected .picks button")
    assert text(browser, "#commands").count("drop") == 1, text(browser, "#commands")
    assert browser.console == [], browser.console


def test_a_pick_stays_with_its_rule_in_a_page_that_is_made_anew():
    browser = opened()
    folder = support.temp_dir()
    with open(page(), encoding="utf-8") as made:
        before = made.read()
    path = support.write(f"{folder}/page.html", before)
    browser.open(f"file://{path}")
    decide(browser, "syscall read", "drop", "ours")
    # The first rule and this one change places.
    told, start, end = split_review(before)
    grants = told["grants"]
    at = [grant["subject"] for grant in grants].index("syscall read")
    assert at > 0
    grants[0], grants[at] = grants[at], grants[0]
    rows = before[:start] + json.dumps(told).replace("<", "\\u003c") + before[end:]
    place = 'data-list="grants" data-index="{}"'
    assert place.format(at) in rows
    rows = rows.replace(place.format(0), "SWAPPED").replace(place.format(at), place.format(0))
    rows = rows.replace("SWAPPED", place.format(at))
    support.write(path, rows)
    browser.open(f"file://{path}?again")
    assert browser.console == [], browser.console
    picked = browser.value("""[...document.querySelectorAll('.picked .subject')]
        .map((found) => found.textContent)""")
    assert picked == ["syscall read"], picked


def split_review(text):
    """The review that a page holds, and where its text starts and ends."""
    start = text.index(">", text.index('id="review"')) + 1
    end = text.index("</script>", start)
    return json.loads(text[start:end]), start, end


EXPECTED_COMMANDS = [
    "vambrace review 'my bundle' drop 'capability NET_ADMIN'"
    " --why 'it'\\''s not \"ours\"' --as 'Ada L'",
    "vambrace review 'my bundle' waive 'syscall read'"
    " --why 'until split' --until 2027-01-31 --as 'Ada L'"]
EXPECTED_YAML = """decisions:
  - what: "capability NET_ADMIN"
    choice: drop
    who: "Ada L"
    why: "it's not \\"ours\\""
waivers:
  - what: "syscall read"
    who: "Ada L"
    why: "until split"
    until: "2027-01-31"
"""


def test_a_decision_needs_its_reason_and_a_waiver_its_end():
    browser = opened()
    place = open_rule(browser, "syscall read")
    browser.click(f"{place} .decide button")
    assert browser.value("document.querySelector('#collected').hidden")
    decide(browser, "syscall write", "waive", "reason without an end")
    assert browser.value("document.querySelector('#collected').hidden")
    place = open_rule(browser, "mount tmpfs /tmp/")
    assert "No decision can name this rule" in text(browser, place)


# --- With keys alone ---------------------------------------------------------

def focused(browser):
    """What has the focus: its id, name or tag, and whether that can be seen."""
    return browser.value("""(() => {
        const at = document.activeElement;
        const box = at.getBoundingClientRect();
        const line = getComputedStyle(at).outlineStyle !== 'none' ||
            getComputedStyle(at.nextElementSibling ?? at).outlineStyle !== 'none';
        return {name: at.id || at.name || at.className || at.localName, tag: at.localName,
                seen: line && box.bottom > 0 && box.top < innerHeight};
    })()""")


def tab_to(browser, wanted, limit=200):
    for _ in range(limit):
        browser.key("Tab")
        at = focused(browser)
        assert at["seen"], f"{at} has the focus, which cannot be seen"
        if wanted(at):
            return at
    raise AssertionError(f"not reached with {limit} keys")


def test_everything_can_be_done_with_keys():
    browser = opened()
    browser.key("Tab")
    assert focused(browser)["name"] == "skip"
    browser.key("Enter")
    browser.wait("document.activeElement.id === 'granted'")
    browser.key("/")
    assert focused(browser)["name"] == "search"
    browser.type("capability")
    tab_to(browser, lambda at: at["name"] == "layer")
    browser.key(" ")
    browser.key(" ")
    tab_to(browser, lambda at: at["name"] == "reset")
    tab_to(browser, lambda at: at["tag"] == "summary")
    assert "NET_ADMIN" in browser.value("document.activeElement.textContent")
    browser.key("Enter")
    browser.wait("document.querySelector('.decide') !== null")
    tab_to(browser, lambda at: at["name"] == "choice")
    browser.key("ArrowDown")
    assert browser.value("document.activeElement.value") == "drop"
    tab_to(browser, lambda at: at["name"] == "why")
    browser.type("not ours")
    browser.key("Enter")
    browser.wait("!document.querySelector('#collected').hidden")
    tab_to(browser, lambda at: at["name"] == "who")
    browser.type("Ada")
    assert "--why 'not ours' --as Ada" in text(browser, "#commands")
    quiet(browser)


# --- As it looks -------------------------------------------------------------

WIDER = """(() => {
    const root = document.documentElement;
    const out = [...document.querySelectorAll('body *')].filter((found) => {
        if (found.closest('.wide, .skip, .patterns')) return false;
        const box = found.getBoundingClientRect();
        return box.width > 0 && box.right > innerWidth + 1;
    }).map((found) => found.outerHTML.slice(0, 120));
    return [root.scrollWidth - innerWidth, out];
})()"""


def test_nothing_is_wider_than_small_and_large_screens():
    for tail in ("", "x" * 300, HOSTILE):
        browser = opened(tail)
        browser.click("#expand")
        for width, height in ((320, 640), (390, 844), (768, 1024), (1600, 1000)):
            browser.size(width, height)
            beyond, which = browser.value(WIDER)
            assert beyond <= 0 and which == [], (width, tail[:10], beyond, which[:3])


# The contrast of every text with what is behind it, as WCAG 2 reckons it.
CONTRAST = """(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
    const rgb = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const color = rgb(getComputedStyle(at).backgroundColor);
            if (color[3] === 255) return color;
        }
        return [255, 255, 255, 255];
    };
    const out = new Map();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !element.checkVisibility() ||
            element.closest('svg, script, style')) continue;
        const pair = [rgb(getComputedStyle(element).color), behind(element)].map(light);
        const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        if (ratio < 4.5) out.set(element.outerHTML.slice(0, 120), ratio);
    }
    return [...out];
})()"""


def test_both_themes_can_be_read():
    browser = opened()
    browser.click("#expand")
    decide(browser, "syscall brk", "keep", "for the tray")
    backgrounds = set()
    for theme in ("light", "dark"):
        browser.prefer(theme)
        assert browser.value(CONTRAST) == [], (theme, browser.value(CONTRAST))
        backgrounds.add(browser.value("getComputedStyle(document.body).backgroundColor"))
        other = {"light": "dark", "dark": "light"}[theme]
        browser.click(f".theme input[value={other}]")
        assert browser.value(CONTRAST) == [], (other, browser.value(CONTRAST))
        backgrounds.add(browser.value("getComputedStyle(document.body).backgroundColor"))
        browser.click(".theme input[value='']")
    assert len(backgrounds) == 2, backgrounds
    quiet(browser)


def pdf_pages(path):
    with open(path, "rb") as made:
        return len(re.findall(rb"/Type\s*/Page\b", made.read()))


def test_paper_shows_everything_and_no_controls():
    for script in (True, False):
        browser = opened(script=script)
        path = f"{support.temp_dir()}/page.pdf"
        browser.pdf(path)
        assert pdf_pages(path) > 2, pdf_pages(path)
        browser.prefer("light", "print")
        told = browser.value("document.body.innerText")
        assert "realloc was seen" in told, "what stands in closed lines is printed"
        for control in ("Search everything", "Expand all", "Theme", "Collect"):
            assert control not in told, control
    quiet(browser)


def test_it_can_be_read_without_its_script():
    browser = opened(script=False)
    assert "syscall read" in shown(browser, "grant")
    assert browser.value("document.querySelector('.side').checkVisibility()") is False
    browser.click(".candidate summary")
    assert browser.value("document.querySelector('.candidate details').open")
    assert browser.value("document.querySelector('.chain').checkVisibility()")
    quiet(browser)


# --- Names from outside ------------------------------------------------------

def test_hostile_names_stay_text():
    browser = opened(HOSTILE)
    assert browser.value("document.images.length") == 0
    assert browser.value("document.scripts.length") == 2
    subjects = shown(browser, "grant")
    quoted = HOSTILE.replace("\n", "\\x0a").replace("\u202e", "\\xe2\\x80\\xae")
    assert f"syscall read{quoted}" in subjects, subjects
    place = decide(browser, f"syscall read{quoted}", "drop", "hostile")
    assert text(browser, f"{place} summary .standing") == "drop"
    # A shell reads the command's words as the very bytes of the names.
    words = text(browser, "#commands").removeprefix("vambrace ")
    told = support.run("bash", "-c", f"printf '%s\\0' {words}", "bash")
    assert told.out.split("\0")[1] == "my bundle" + HOSTILE, told
    assert told.out.split("\0")[3] == "syscall read" + HOSTILE, told
    quiet(browser)


def test_names_in_the_address_stay_text():
    browser = opened(fragment="#q=%3Cimg%20src=x%3E&layer=%3Cb%3E&risk=high")
    assert browser.value("document.querySelector('#search').value") == "<img src=x>"
    assert browser.value("document.images.length") == 0
    quiet(browser)


# --- The command -------------------------------------------------------------

def test_a_bundle_becomes_a_page_with_all_of_its_review():
    require_browser()
    folder = support.temp_dir()
    evidence = f"{support.PROJECT}/src/evidence/testdata/example.json"
    support.vambrace("synth", evidence, "-o", f"{folder}/bundle", expect=0)
    told = support.vambrace("review", f"{folder}/bundle", "--fail-on", "none", "--json",
                            "--html", f"{folder}/page.html", expect=0).json()
    browser = Browser()
    browser.open(f"file://{folder}/page.html")
    assert browser.value("JSON.parse(document.querySelector('#review').textContent)") == told
    assert shown(browser, "grant") == [grant["subject"] for grant in told["grants"]]
    place = decide(browser, shown(browser, "grant")[0], "keep", "wanted")
    browser.click("#who")
    browser.type("Ada")
    # What the page says to run does what it says.
    words = text(browser, "#commands").removeprefix("vambrace ")
    done = support.run("bash", "-c", f"'{support.VAMBRACE}' {words}")
    assert done.code == 0, done
    again = support.vambrace("review", f"{folder}/bundle", "--fail-on", "none", "--json",
                             expect=0).json()
    assert again["decisions"][0]["why"] == "wanted", (place, again["decisions"])
    quiet(browser)


if __name__ == "__main__":
    support.main()
