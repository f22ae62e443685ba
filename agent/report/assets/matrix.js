// Names and integers of the cell of S under the pointer.
function nameCells() {
  const source = byId("cells");
  if (!source) { return; }
  const cells = JSON.parse(source.textContent);
  const edges = new Map(cells.row.map((row, edge) => [`${row},${cells.column[edge]}`, edge]));
  const words = (row, column) => {
    const edge = edges.get(`${row},${column}`), place = `reaction ${cells.reactions[column]}, metabolite ${cells.metabolites[row]}`;
    if (edge === undefined) { return `${place}: no edge of the graph`; }
    const truth = cells.true ? `true ${cells.true[edge]}, ` : "";
    const agreeing = cells.agreeing ? `; ${cells.agreeing[edge]} of ${cells.seeds} seeds agree` : "";
    return `${place}: ${truth}learned ${cells.learned[edge]}${agreeing}`;
  };
  for (const drawing of document.querySelectorAll(".matrix svg")) {
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
}
