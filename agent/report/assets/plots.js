// Plots by uPlot in the colours of the style sheet, drawn again when these change.
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const VERDICT_COLOURS = {accepted: "good", rejected: "neutral", failed: "bad", refused: "warn", open: "cool", diagnosed: "ink"};
const axisLook = () => ({stroke: colour("ink"), grid: {stroke: colour("faint"), width: 1}, ticks: {stroke: colour("faint")}});

function plotLosses(sheet) {
  for (const place of sheet.querySelectorAll(".losses")) {
    if (place.clientWidth === 0) { continue; }
    const curves = JSON.parse(place.dataset.curves);
    const parent = byId(place.dataset.parent)?.querySelector(".losses");
    const theirs = parent ? JSON.parse(parent.dataset.curves) : [];
    const all = [...curves.map((each) => [...each, true]), ...theirs.slice(0, 2).map((each) => [...each, false])];
    const steps = [...new Set(all.flatMap(([, at]) => at))].sort((one, two) => one - two);
    const values = all.map(([, at, losses]) => {
      const known = new Map(at.map((step, number) => [step, losses[number]]));
      return steps.map((step) => known.get(step) ?? undefined);
    });
    const hues = ["good", "cool", "warn", "bad"];
    place.replaceChildren();
    new uPlot({
      width: place.clientWidth, height: 240, scales: {x: {time: false}, y: {distr: 3}},
      axes: [{...axisLook(), label: "step"}, {...axisLook(), label: "prediction loss", size: 70,
        values: (_, splits) => splits.map((value) => value === null ? "" : value.toExponential(0))}],
      series: [{label: "step", value: (_, step) => step ?? ""}, ...all.map(([trial, , , ours], number) => ({
        label: ours ? trial : `parent: ${trial}`, stroke: colour(ours ? hues[number % hues.length] : "muted"),
        width: 1.5, dash: ours ? [] : [5, 4], spanGaps: true, points: {show: false},
        value: (_, loss) => loss?.toPrecision(3) ?? ""}))],
    }, [steps, ...values], place);
  }
}
