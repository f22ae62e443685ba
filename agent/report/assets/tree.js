// The panel of the tree: the experiment that was clicked last, and beside it the one before.
let opened = [];

function showInPanel() {
  const panel = byId("panel"), forest = panel.parentElement;
  panel.replaceChildren(...opened.map((name) => {
    const copy = byId(name).cloneNode(true);
    copy.id = `panel-${name}`;
    copy.setAttribute("aria-label", `${name}, beside the tree`);
    copy.querySelector(".steps").remove();
    for (const heading of copy.querySelectorAll("h1, h2")) {  // they stand below the tree's own heading
      const lower = document.createElement(heading.tagName === "H1" ? "h3" : "h4");
      lower.className = heading.className;
      lower.append(...heading.childNodes);
      heading.replaceWith(lower);
    }
    const close = document.createElement("button");
    close.className = "close";
    close.textContent = "close";
    close.addEventListener("click", () => { opened = opened.filter((each) => each !== name); showInPanel(); });
    copy.prepend(close);
    return copy;
  }));
  panel.hidden = opened.length === 0;
  forest.classList.toggle("one", opened.length === 1);
  forest.classList.toggle("two", opened.length === 2);
  for (const node of document.querySelectorAll(".node")) { node.classList.toggle("shown", opened.includes(node.hash.slice(1))); }
  drawIn(panel);
}

function openFromTree() {
  document.addEventListener("click", (event) => {
    const node = event.target.closest?.("#boughs .node");
    if (!node || event.ctrlKey || event.metaKey || !byId(node.hash.slice(1))) { return; }
    event.preventDefault();
    hideTip();
    const name = node.hash.slice(1);
    opened = opened.includes(name) ? opened.filter((each) => each !== name) : [...opened.slice(-1), name];
    showInPanel();
  });
}
