// Matrices S: names and integers of the cell under the pointer, and the drawing of any experiment's S.
const CELL_KINDS = ["minus2", "minus1", "plus1", "plus2", "wrong"];
let cells = null, edges, networks = null;

async function readCells() {
  cells = JSON.parse(byId("cells")?.textContent ?? "null");
  networks = JSON.parse(await unpack("networks") || "null");
  if (!cells) { return; }
  edges = new Map(cells.row.map((row, edge) => [`${row},${cells.column[edge]}`, edge]));
  for (const drawing of document.querySelectorAll(".matrix svg")) {
    tellCells(drawing, (edge) => `learned ${cells.learned[edge]}`
      + (cells.agreeing ? `; ${cells.agreeing[edge]} of ${cells.seeds} seeds agree` : ""));
  }
}

function tellCells(drawing, told) {
  const words = (row, column) => {
    const edge = edges.get(`${row},${column}`), place = `reaction ${cells.reactions[column]}, metabolite ${cells.metabolites[row]}`;
    if (edge === undefined) { return `${place}: no edge of the graph`; }
    return `${place}: ${cells.true ? `true ${cells.true[edge]}, ` : ""}${told(edge)}`;
  };
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect(), size = drawing.viewBox.baseVal;
    const column = Math.floor((event.clientX - box.left) / box.width * size.width);
    const row = Math.floor((event.clientY - box.top) / box.height * size.height);
    // A cell is a few pixels: the nearest edge of the graph within one cell is meant.
    const near = [[0, 0], [0, 1], [0, -1], [1, 0], [-1, 0], [1, 1], [1, -1], [-1, 1], [-1, -1]]
      .map(([down, right]) => [row + down, column + right]).find(([r, c]) => edges.has(`${r},${c}`));
    const [r, c] = near ?? [Math.min(row, size.height - 1), Math.min(column, size.width - 1)];
    showTip(words(Math.max(r, 0), Math.max(c, 0)), event.clientX, event.clientY);
  });
  drawing.addEventListener("pointerleave", hideTip);
}

function drawNetworks(sheet) {  // the S of an experiment, and how it differs from the one of the best experiment
  for (const place of sheet.querySelectorAll(".network")) {
    const letters = networks?.letters[place.dataset.e];
    if (!cells || !networks || place.childElementCount) { continue; }
    if (!letters) {
      place.textContent = "Its S is left out to keep this page small.";
      continue;
    }
    const learned = [...letters].map((letter) => networks.values[letter.charCodeAt(0) - 48]);
    const others = learned.filter((value, edge) => value !== cells.learned[edge]).length;
    place.textContent = `${others} of ${learned.length} differ from the trial of the best experiment shown under "recovered S".`
      + `${cells.true ? " Wrong ones are framed." : ""} Point at a cell to see its names.`;
    place.append(matrixOf(learned));
  }
}

function matrixOf(learned) {
  const svg = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
  const drawing = svg("svg"), columns = cells.reactions.length, rows = cells.metabolites.length;
  const paths = Object.fromEntries(CELL_KINDS.map((kind) => [kind, ""]));
  learned.forEach((value, edge) => {
    const at = [cells.column[edge], cells.row[edge]];
    if (value) { paths[`${value < 0 ? "minus" : "plus"}${Math.min(Math.abs(value), 2)}`] += `M${at}h1v1h-1z`; }
    if (cells.true && cells.true[edge] !== value) { paths.wrong += `M${at[0] - 1},${at[1] - 1}h3v3h-3z`; }
  });
  for (const [kind, path] of Object.entries(paths)) {
    const element = svg("path");
    element.setAttribute("class", kind);
    element.setAttribute("d", path);
    drawing.append(element);
  }
  const settings = {viewBox: `0 0 ${columns} ${rows}`, preserveAspectRatio: "none", role: "img",
    "aria-label": "S, learned", style: `--columns:${columns};--rows:${rows}`};
  for (const [name, value] of Object.entries(settings)) { drawing.setAttribute(name, value); }
  tellCells(drawing, (edge) => `learned ${learned[edge]}; the best: ${cells.learned[edge]}`);
  const frame = document.createElement("span");
  frame.className = "matrix";
  frame.append(drawing);
  return frame;
}
