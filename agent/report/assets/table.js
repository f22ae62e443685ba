// The table of experiments: sorted by its headings, filtered by text, verdict, phase, planner and changed field.
const tableRows = () => [...document.querySelectorAll("#all tbody tr")];
const cellText = (row, column) => row.cells[column].textContent.trim();
const fieldsOf = (row) => row.dataset.changed.split(" ").filter((word) => word.includes("=")).map((word) => word.split("=")[0]);
const searched = new WeakMap();

function textOf(row) {  // what the row shows, what it changed, and the hypothesis and the reason on its page
  if (!searched.has(row)) {
    const told = byId(cellText(row, 0))?.querySelector(".told")?.textContent ?? "";
    searched.set(row, `${row.textContent} ${row.dataset.changed} ${told}`.toLowerCase());
  }
  return searched.get(row);
}

function filterRows() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const field = byId("field").value;
  const choices = [...document.querySelectorAll("#filters [data-column]")].filter((choice) => choice.value);
  let shown = 0;
  const rows = tableRows();
  for (const row of rows) {
    row.hidden = !(words.every((word) => textOf(row).includes(word)) && (!field || fieldsOf(row).includes(field))
      && choices.every((choice) => cellText(row, Number(choice.dataset.column)).split(" ")[0] === choice.value));
    shown += row.hidden ? 0 : 1;
  }
  byId("found").textContent = shown < rows.length ? `${shown} of ${rows.length}` : "";
}

function fillChoices() {
  const fill = (choice, values) => {
    choice.replaceChildren(new Option("all", ""), ...[...new Set(values)].sort().map((value) => new Option(value, value)));
    choice.addEventListener("change", filterRows);
  };
  const rows = tableRows();
  for (const choice of document.querySelectorAll("#filters [data-column]")) {
    fill(choice, rows.map((row) => cellText(row, Number(choice.dataset.column)).split(" ")[0]));
  }
  fill(byId("field"), rows.flatMap(fieldsOf));
  byId("filter").addEventListener("input", filterRows);
}

function sortBy(heading, up = heading.getAttribute("aria-sort") === "descending") {
  const column = heading.cellIndex;
  for (const other of heading.parentElement.cells) { other.removeAttribute("aria-sort"); }
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
  const value = (row) => {
    const text = cellText(row, column), number = parseFloat(text);
    return text === "" ? null : Number.isNaN(number) ? text : number;
  };
  const compare = (one, two) => (typeof one === "number" && typeof two === "number")
    ? one - two : String(one).localeCompare(String(two), undefined, {numeric: true});
  const rows = tableRows().map((row) => [value(row), row]);
  rows.sort(([one], [two]) => one === null || two === null ? (one === null) - (two === null) : (up ? 1 : -1) * compare(one, two));
  document.querySelector("#all tbody").append(...rows.map(([, row]) => row));
}

function sortOnClick() {
  for (const heading of document.querySelectorAll("#all thead th")) {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(heading));
    heading.append(button);
  }
}

function moveRow(step) {
  const rows = tableRows().filter((row) => !row.hidden);
  const now = rows.findIndex((row) => row.classList.contains("current"));
  const next = rows[Math.max(0, Math.min(rows.length - 1, now < 0 ? 0 : now + step))];
  document.querySelector("#all tr.current")?.classList.remove("current");
  next?.classList.add("current");
  next?.scrollIntoView({block: "center"});
}
