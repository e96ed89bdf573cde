"use strict";
// A button that changes between light and dark, and column heads that sort. Without this script
// the page reads the same.

const dark = document.getElementById("theme");
const show = (on) => {
  document.documentElement.dataset.theme = on ? "dark" : "light";
  dark.setAttribute("aria-pressed", String(on));
};
show(matchMedia("(prefers-color-scheme: dark)").matches);
dark.hidden = false;
dark.addEventListener("click", () => show(document.documentElement.dataset.theme === "light"));

const valueOf = (row, at) => {
  const cell = row.cells[at];
  const text = (cell?.dataset.value ?? cell?.textContent ?? "").trim();
  const number = Number(text);
  return text === "" ? null : Number.isNaN(number) ? text : number;
};
const compare = (a, b) =>
  typeof a === "number" && typeof b === "number" ? a - b
    : String(a).localeCompare(String(b), "en", { numeric: true });

// Rows under one group head stay under it; blanks come last in either direction.
const sortRows = (body, at, sign) => {
  const groups = [[]];
  for (const row of body.rows) {
    if (row.classList.contains("group")) groups.push([]);
    groups.at(-1).push(row);
  }
  for (const rows of groups) {
    const heads = rows.filter((row) => row.classList.contains("group"));
    const keyed = rows.filter((row) => !heads.includes(row)).map((row) => [valueOf(row, at), row]);
    keyed.sort(([a], [b]) => (a === null) - (b === null) || sign * (a === null ? 0 : compare(a, b)));
    body.append(...heads, ...keyed.map(([, row]) => row));
  }
};

for (const table of document.querySelectorAll("table")) {
  // Heads over several rows stand before those below them: their order is that on the screen.
  const heads = [...table.querySelectorAll('thead th[scope="col"]')];
  heads.sort((a, b) => a.offsetLeft - b.offsetLeft);
  const rows = table.querySelectorAll("tbody tr:not(.group)");
  if (rows.length < 2 || table.querySelector("tbody [rowspan]")) continue;
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const numeric = [...rows].some((row) => typeof valueOf(row, at) === "number");
      const before = head.getAttribute("aria-sort");
      const down = before === null ? numeric : before === "ascending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      for (const body of table.tBodies) sortRows(body, at, down ? -1 : 1);
    });
  });
}
