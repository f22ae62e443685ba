// What is new since this browser last showed the page; nothing at the first look.
let lastLook;

function tellSince() {
  const {campaign, began, experiments} = JSON.parse(byId("points").textContent);
  const key = `stoichloop ${campaign} ${began}`, newest = Math.max(0, ...experiments.map(([, , hours]) => hours));
  try {
    lastLook ??= JSON.parse(localStorage.getItem(key) ?? JSON.stringify({newest, at: 0}));
    localStorage.setItem(key, JSON.stringify({newest, at: Date.now()}));
  } catch { return; }  // a browser that stores nothing for a file
  const fresh = experiments.filter(([, , hours]) => hours > lastLook.newest);
  if (fresh.length === 0) { return; }
  const accepted = fresh.filter(([, verdict]) => verdict === "accepted").map(([number]) => nameOf(number));
  const when = lastLook.at ? `, ${new Date(lastLook.at).toLocaleString([], {dateStyle: "medium", timeStyle: "short"})}` : "";
  const parts = [`New since you last looked${when}: ${fresh.length} experiment${fresh.length > 1 ? "s" : ""}, marked in the table; `,
    accepted.length ? "accepted: " : "none accepted"];
  for (const name of accepted) {
    const link = document.createElement("a");
    link.href = `#${name}`;
    link.textContent = name;
    parts.push(link, " ");
  }
  byId("since").replaceChildren(...parts);
  byId("since").hidden = false;
  for (const [number] of fresh) { document.querySelector(`#all a[href="#${nameOf(number)}"]`)?.closest("tr").classList.add("fresh"); }
}
