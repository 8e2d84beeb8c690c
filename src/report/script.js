"use strict";
// Adds to a page that is readable without it: search, filters with their state
// in the address, and the collecting of decisions. What comes out of the review
// is put in as text only.
(() => {
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const stamp = (id) => one(`#${id}`).content.firstElementChild.cloneNode(true);
  const review = JSON.parse(one("#review").textContent);
  const bundle = document.body.dataset.bundle;
  const day = document.body.dataset.day;

  // --- What is kept between visits, where the browser lets a file keep it ---

  const memory = {
    read(key) {
      try { return localStorage.getItem(key) ?? ""; } catch { return ""; }
    },
    write(key, value) {
      try { localStorage.setItem(key, value); } catch { /* Then not. */ }
    },
  };

  // --- Theme ---

  const dress = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  const theme = memory.read("vambrace theme");
  for (const input of all(".theme input")) {
    input.checked = input.value === theme;
    input.addEventListener("change", () => {
      dress(input.value);
      memory.write("vambrace theme", input.value);
    });
  }
  if (!one(".theme :checked")) one(".theme input").checked = true;
  dress(one(".theme :checked").value);

  // --- What can be found ---

  const items = all(".item").map((element) => ({
    element,
    rule: element.classList.contains("rule"),
    section: element.closest(".lists > section"),
    text: element.textContent.toLowerCase(),
  }));
  const rules = items.filter((item) => item.rule);
  const sections = all(".lists > section").map((element) => {
    const count = one("h2 .count", element);
    return { element, count, whole: count.textContent,
             items: items.filter((item) => item.section === element) };
  });

  const facets = [
    { key: "layer", title: "Layer" },
    { key: "risk", title: "Risk", order: ["high", "unknown", "medium", "low"] },
    { key: "origin", title: "Needed by" },
    { key: "use", title: "Use" },
    { key: "seen", title: "Seen in evidence", order: ["observed", "unobserved"] },
    { key: "decided", title: "Decision", order: ["undecided", "decided"] },
  ];
  const words = (item, key) => (item.element.dataset[key] ?? "").split(", ").filter(Boolean);

  for (const facet of facets) {
    const found = new Set(facet.order ?? []);
    for (const item of rules) for (const word of words(item, facet.key)) found.add(word);
    facet.choices = new Map();
    const box = stamp("facet");
    one("legend", box).textContent = facet.title;
    for (const value of found) {
      const label = stamp("facet-choice");
      const input = one("input", label);
      input.name = facet.key;
      input.value = value;
      one("span", label).textContent = value;
      facet.choices.set(value, { input, label, count: one("b", label) });
      box.append(label);
    }
    one("#facets > div").append(box);
  }

  // --- Filtering ---

  const search = one("#search");
  const chosen = (facet) => [...facet.choices.values()]
    .filter((choice) => choice.input.checked).map((choice) => choice.input.value);
  const terms = () => search.value.toLowerCase().split(/\s+/).filter(Boolean);

  const fits = (item, query) => query.every((term) => item.text.includes(term));
  const passes = (item, facet, values) => values.length === 0 ||
    words(item, facet.key).some((word) => values.includes(word));

  const mark = (query) => {
    if (!globalThis.CSS?.highlights) return;
    CSS.highlights.delete("found");
    if (query.length === 0) return;
    const ranges = [];
    for (const { element } of items) {
      if (element.hidden) continue;
      const walk = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      while (walk.nextNode() && ranges.length < 2000) {
        const text = walk.currentNode.data.toLowerCase();
        if (text.length !== walk.currentNode.data.length) continue;
        for (const term of query) {
          for (let at = text.indexOf(term); at >= 0; at = text.indexOf(term, at + term.length)) {
            const range = new Range();
            range.setStart(walk.currentNode, at);
            range.setEnd(walk.currentNode, at + term.length);
            ranges.push(range);
          }
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  };

  let looked = "";
  const update = () => {
    const query = terms();
    const wanted = facets.map(chosen);
    const counts = facets.map(() => new Map());
    let shown = 0;
    for (const item of items) {
      const found = fits(item, query);
      let misses = 0;
      let missed = -1;
      if (item.rule) {
        facets.forEach((facet, i) => {
          if (!passes(item, facet, wanted[i])) { misses++; missed = i; }
        });
        // A choice's number is what it would show beside the other filters.
        facets.forEach((facet, i) => {
          if (!found || misses > 1 || (misses === 1 && missed !== i)) return;
          for (const word of words(item, facet.key)) {
            counts[i].set(word, (counts[i].get(word) ?? 0) + 1);
          }
        });
      }
      item.element.hidden = !found || misses > 0;
      if (item.rule && !item.element.hidden) shown++;
    }
    facets.forEach((facet, i) => {
      for (const [value, choice] of facet.choices) {
        const count = counts[i].get(value) ?? 0;
        choice.count.textContent = count;
        choice.label.classList.toggle("none", count === 0);
      }
    });
    const filtered = query.length > 0 || wanted.some((values) => values.length > 0);
    for (const section of sections) {
      const left = section.items.filter((item) => !item.element.hidden).length;
      section.count.textContent = left === section.items.length
        ? section.whole : `${left} of ${section.items.length}`;
      section.element.classList.toggle("empty", left === 0 && section.items.length > 0);
    }
    // What is folded away is shown where it is looked for.
    if (query.join(" ") !== looked) {
      looked = query.join(" ");
      for (const fold of all("details.fold")) {
        fold.open = query.length > 0 && one(".item:not([hidden])", fold) !== null;
      }
    }
    const others = items.filter((item) => !item.rule && !item.element.hidden).length;
    one("#shown").textContent = `${shown} of ${rules.length} rules and calls` +
      (query.length > 0 ? `, ${others} other entries` : "");
    one("#filtered").hidden = !filtered;
    one("#filtered").textContent = `Filtered: ${one("#shown").textContent} are printed.`;
    mark(query);
    return wanted;
  };

  // --- The state of the filters is the fragment of the address ---

  const write = (wanted) => {
    const state = new URLSearchParams();
    if (search.value) state.set("q", search.value);
    facets.forEach((facet, i) => {
      if (wanted[i].length > 0) state.set(facet.key, wanted[i].join(","));
    });
    const fragment = state.toString();
    history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
  };
  const read = () => {
    const fragment = location.hash.slice(1);
    if (fragment && !fragment.includes("=")) return;  // a place in the page
    const state = new URLSearchParams(fragment);
    search.value = state.get("q") ?? "";
    for (const facet of facets) {
      const values = (state.get(facet.key) ?? "").split(",");
      for (const [value, choice] of facet.choices) choice.input.checked = values.includes(value);
    }
    update();
  };
  const refresh = () => write(update());

  const form = one("#filters");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", refresh);
  form.addEventListener("reset", () => setTimeout(refresh));
  globalThis.addEventListener("hashchange", read);

  // Links within the page keep the state of the filters.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    const target = link && one(link.getAttribute("href"));
    if (!target) return;
    event.preventDefault();
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
    target.scrollIntoView();
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input:not([type=radio], [type=checkbox]), textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape" && event.target === search && search.value) {
      search.value = "";
      refresh();
    }
  });

  // --- Opening all, on request and for paper ---

  const expand = one("#expand");
  const lines = () => items.filter((item) => !item.element.hidden)
    .flatMap((item) => all(":scope > details", item.element));
  const setOpen = (open) => {
    for (const line of lines()) line.open = open;
    expand.textContent = open ? "Collapse all" : "Expand all";
  };
  expand.addEventListener("click", () => setOpen(expand.textContent === "Expand all"));
  let closed = [];
  globalThis.addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const line of closed) line.open = true;
  });
  globalThis.addEventListener("afterprint", () => {
    for (const line of closed) line.open = false;
  });

  // --- Deciding ---

  // Text as one word of a shell; `quoted` has \xNN for bytes that act, which
  // the shell's own $'' reads in the same way.
  const shellWord = (text, quoted) => {
    if (quoted && text.includes("\\")) return `$'${text.replaceAll("'", "\\'")}'`;
    if (/^[\w@%+=:,./-]+$/.test(text)) return text;
    return `'${text.replaceAll("'", "'\\''")}'`;
  };
  // As a YAML scalar; JSON's strings are some.
  const yamlWord = (text, quoted) => {
    if (!quoted || !text.includes("\\")) return JSON.stringify(text);
    const bytes = [];
    const source = new TextEncoder().encode(text);
    for (let i = 0; i < source.length; i++) {
      const next = String.fromCharCode(source[i + 1]);
      if (source[i] !== 0x5c) bytes.push(source[i]);
      else if (next === "x") {
        bytes.push(parseInt(String.fromCharCode(source[i + 2], source[i + 3]), 16));
        i += 3;
      } else bytes.push(source[++i]);
    }
    const plain = new TextDecoder().decode(new Uint8Array(bytes));
    return JSON.stringify(plain).replace(/[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  };

  const choicesOf = (list) => (list === "grants"
    ? ["keep", "drop", "waive"] : ["add", "drop"]);
  const decidable = (subject) => /^(syscall|capability|file|network|signal) /.test(subject);

  const key = `vambrace picks ${review.workload.id} ${day} ${bundle}`;
  // By what a pick speaks of: the place of a rule in its list is another one
  // in a page that is made anew.
  const picks = new Map();
  const placeOf = ({ list, index }) => {
    const { program, subject } = review[list][index];
    return JSON.stringify([list, list === "grants" ? program ?? "" : "", subject]);
  };
  const names = () => one("#who").value.trim();

  const command = (pick) => ["vambrace", "review", shellWord(bundle, true), pick.choice,
    shellWord(pick.subject, true), "--why", shellWord(pick.why),
    ...(pick.choice === "waive" ? ["--until", pick.until] : []),
    ...(names() ? ["--as", shellWord(names())] : [])].join(" ");
  const yaml = () => {
    const entry = (pick) => `  - what: ${yamlWord(pick.subject, true)}\n` +
      (pick.choice === "waive" ? "" : `    choice: ${pick.choice}\n`) +
      `    who: ${yamlWord(names() || "YOUR NAME")}\n    why: ${yamlWord(pick.why)}\n` +
      (pick.choice === "waive" ? `    until: "${pick.until}"\n` : "");
    const waived = [...picks.values()].filter((pick) => pick.choice === "waive");
    const decided = [...picks.values()].filter((pick) => pick.choice !== "waive");
    return (decided.length ? `decisions:\n${decided.map(entry).join("")}` : "") +
      (waived.length ? `waivers:\n${waived.map(entry).join("")}` : "");
  };

  const lists = new Map(rules.map(({ element }) =>
    [placeOf(element.dataset), element]));
  const before = new Map([...lists].map(([place, element]) => [place, {
    decided: element.dataset.decided,
    standing: one("summary .standing", element).textContent,
  }]));

  const showPicks = () => {
    const list = one("#collected .picks");
    list.replaceChildren();
    for (const [place, pick] of picks) {
      const line = stamp("pick");
      one("code", line).textContent = `${pick.choice} ${pick.subject}`;
      one("span", line).textContent = pick.why;
      const button = one("button", line);
      button.setAttribute("aria-label", `Remove ${pick.choice} ${pick.subject}`);
      button.addEventListener("click", () => { picks.delete(place); keepPicks(); });
      list.append(line);
    }
    one("#commands").textContent = [...picks.values()].map(command).join("\n");
    one("#yaml").textContent = yaml();
    one("#collected").hidden = picks.size === 0;
    one("#collected .count").textContent = picks.size;
    one(".tray").hidden = picks.size === 0;
    one(".tray span").textContent = picks.size === 1
      ? "1 decision collected." : `${picks.size} decisions collected.`;
    for (const [place, element] of lists) {
      const pick = picks.get(place);
      element.classList.toggle("picked", Boolean(pick));
      element.dataset.decided = pick ? "decided" : before.get(place).decided;
      one("summary .standing", element).textContent = pick?.choice ?? before.get(place).standing;
    }
  };
  const keepPicks = () => {
    memory.write(key, JSON.stringify([...picks]));
    showPicks();
    update();
  };

  // The other candidates that open the same and that nobody decided about.
  const oneRank = (element) => all(`.candidate[data-rank="${element.dataset.rank}"]`)
    .filter((other) => other !== element && other.dataset.decided === "undecided" &&
      placeOf(other.dataset) !== placeOf(element.dataset));

  const addForm = (element) => {
    const { list, index } = element.dataset;
    const { subject } = review[list][index];
    const more = one(".more", element);
    if (!decidable(subject)) {
      const line = document.createElement("p");
      line.className = "note controls";
      line.textContent = "No decision can name this rule.";
      more.append(line);
      return;
    }
    const box = stamp("decide");
    box.classList.add("controls");
    const until = one(".until input", box);
    until.min = day;
    for (const choice of choicesOf(list)) {
      const label = stamp("choice");
      one("input", label).value = choice;
      one("span", label).textContent = choice;
      one(".choices", box).append(label);
    }
    const others = () => (list === "candidates" ? oneRank(element) : []);
    const tellOthers = () => {
      one(".together", box).hidden = others().length === 0;
      const alike = review[list][index].opened_by?.length
        ? "all that opens nothing new" : "what opens the same";
      one(".together span", box).textContent = `and ${alike}: ${others()
        .map((other) => review[list][other.dataset.index].subject).join(", ")}`;
    };
    tellOthers();
    box.addEventListener("focusin", tellOthers);
    const pick = picks.get(placeOf(element.dataset));
    one(`input[value="${pick?.choice ?? choicesOf(list)[0]}"]`, box).checked = true;
    one(".reason input", box).value = pick?.why ?? "";
    until.value = pick?.until ?? "";
    const choice = () => one(".choices :checked", box).value;
    const change = () => {
      one(".until", box).hidden = choice() !== "waive";
      until.required = choice() === "waive";
    };
    box.addEventListener("change", change);
    change();
    box.addEventListener("submit", (event) => {
      event.preventDefault();
      const together = one(".together input", box).checked ? others() : [];
      for (const { dataset } of [element, ...together]) {
        picks.set(placeOf(dataset), {
          subject: review[dataset.list][dataset.index].subject, choice: choice(),
          until: until.value, why: one(".reason input", box).value.trim(),
        });
      }
      keepPicks();
      for (const other of together) {
        one(".decide", other)?.remove();
        if (one("details", other).open) addForm(other);
      }
    });
    more.append(box);
  };

  // A form is made when its line is opened for the first time.
  for (const { element } of rules) {
    one("details", element).addEventListener("toggle", (event) => {
      if (event.target.open && !one(".decide, p.controls", element)) addForm(element);
    });
  }

  one("#who").value = memory.read("vambrace who");
  one("#who").addEventListener("input", () => {
    memory.write("vambrace who", names());
    showPicks();
  });
  for (const button of all("[data-copy]")) {
    button.addEventListener("click", async () => {
      const source = one(`#${button.dataset.copy}`);
      getSelection().selectAllChildren(source);
      let done = false;
      try {
        await navigator.clipboard.writeText(source.textContent);
        done = true;
      } catch { done = document.execCommand("copy"); }
      one("#copied").textContent = done ? "Copied." : "Selected: copy it with your keyboard.";
    });
  }

  try {
    for (const [place, pick] of JSON.parse(memory.read(key) || "[]")) {
      if (lists.has(place)) picks.set(place, pick);
    }
  } catch { /* Somebody else's bytes. */ }

  for (const element of all(".controls")) {
    if (!element.matches("#collected, .tray")) element.hidden = false;
  }
  if (matchMedia("(max-width: 64rem)").matches) one("#facets").open = false;
  showPicks();
  read();
  update();
})();
