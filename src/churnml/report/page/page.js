"use strict";
// Colours kept on the device, tables sorted and searched, folded parts opened for links and print.
// Without a script everything can still be read.
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  const KEY = "churnml-theme";
  const store = (act) => { try { return act(window.localStorage); } catch { return null; } };
  const remembered = store((s) => s.getItem(KEY));
  if (remembered === "light" || remembered === "dark") root.dataset.theme = remembered;

  function themeButton(button) {
    const order = ["auto", "light", "dark"];
    const label = () => {
      const now = root.dataset.theme || "auto";
      button.querySelector("span").textContent = `${button.dataset.label}: ${button.dataset[now]}`;
    };
    button.addEventListener("click", () => {
      const next = order[(order.indexOf(root.dataset.theme || "auto") + 1) % order.length];
      if (next === "auto") delete root.dataset.theme; else root.dataset.theme = next;
      store((s) => (next === "auto" ? s.removeItem(KEY) : s.setItem(KEY, next)));
      label();
    });
    label();
  }

  // "41,234 [30,000–52,000]", in Russian "41 234 [30 000–52 000]" and "−0,5", are numbers; what
  // begins with none is unknown.
  function asNumber(text) {
    const plain = text.replace(/[\s\u2009\u202f\u00a0]/g, "").replace("−", "-");
    const number = parseFloat(root.lang === "ru" ? plain.replace(",", ".") : plain.replaceAll(",", ""));
    return Number.isNaN(number) ? null : number;
  }

  function keysOf(rows, place, numeric) {
    return new Map(rows.map((row) => {
      const cell = row.cells[place];
      const text = (cell.dataset.sort ?? cell.textContent).trim();
      return [row, numeric ? asNumber(text) : text === "" || text === "–" ? null : text];
    }));
  }

  function sortable(table) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const words = new Intl.Collator(root.lang, { numeric: true, sensitivity: "base" });
    heads.forEach((head, place) => {
      if (head.hasAttribute("data-fixed")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(head, place));
    });

    // <select data-sort-for=ID>, whose value is the number of a column: where headings have no room.
    const choice = document.querySelector(`[data-sort-for="${table.id}"]`);
    choice?.addEventListener("input", () => {
      if (choice.value !== "") sort(heads[Number(choice.value)], Number(choice.value));
    });

    function sort(head, place) {
      const numeric = head.dataset.kind === "number";
      // Numbers begin with the largest, words with the first; a second click turns them round.
      const first = numeric ? "descending" : "ascending";
      const other = numeric ? "ascending" : "descending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      heads.forEach((one) => one.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const rows = [...body.rows];
      const keys = keysOf(rows, place, numeric);
      const sign = order === "ascending" ? 1 : -1;
      rows.sort((a, b) => {
        const [x, y] = [keys.get(a), keys.get(b)];
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * (numeric ? x - y : words.compare(x, y));
      });
      body.append(...rows);
    }
  }

  // <input type=search data-filter-for=ID>, and <select data-filter-for=ID data-column=N>, whose
  // value must be the data-value or the text of that cell. All of them must hold.
  function searchable(table) {
    const controls = [...document.querySelectorAll(`[data-filter-for="${table.id}"]`)];
    if (!controls.length) return;
    const rows = [...table.tBodies[0].rows];
    const plain = (text) => text.toLocaleLowerCase(root.lang).replace(/ё/g, "е");
    const texts = new Map(rows.map((row) => [row, plain(`${row.textContent} ${row.dataset.search ?? ""}`)]));
    const count = document.querySelector(`[data-count-for="${table.id}"]`);
    const nothing = document.querySelector(`[data-nothing-for="${table.id}"]`);

    function holds(control, row) {
      if (control.tagName !== "SELECT")
        return plain(control.value).split(/\s+/).every((word) => texts.get(row).includes(word));
      const cell = row.cells[Number(control.dataset.column)];
      return control.value === "" || (cell.dataset.value ?? cell.textContent.trim()) === control.value;
    }

    function filter() {
      let shown = 0;
      for (const row of rows) {
        row.hidden = !controls.every((control) => holds(control, row));
        shown += row.hidden ? 0 : 1;
      }
      if (count) count.value = count.dataset.words.replace("{shown}", shown).replace("{all}", rows.length);
      if (nothing) nothing.hidden = shown > 0;
    }

    controls.forEach((control) => control.addEventListener("input", filter));
    filter();
  }

  function openTarget() {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    if (!target) return;
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    target.scrollIntoView();
  }

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((part) => { part.open = false; }));
  addEventListener("hashchange", openTarget);

  addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-theme-toggle]").forEach(themeButton);
    document.querySelectorAll("table[data-sortable]").forEach(sortable);
    document.querySelectorAll("table[id]").forEach(searchable);
    openTarget();
  });
})();
