// The course: a plot per fidelity, with the dots of experiments, what each was compared with, and the incumbents.
let points;
const MANY = 150;  // dots; of more, the tooltip alone tells what each was compared with
const nameOf = (number) => `e${String(number).padStart(4, "0")}`;

function drawCourse() {
  points = JSON.parse(byId("points").textContent);
  const place = byId("course"), byTime = document.querySelector("[name=axis][value=time]").checked;
  const [time, perHour] = Math.max(...points.experiments.map(([, , hours]) => hours)) < 2 ? ["minutes", 60] : ["hours", 1];
  const at = new Map(points.experiments.map(([number, , hours]) => [number, byTime ? hours * perHour : number]));
  const verdicts = new Map(points.experiments.map(([number, verdict]) => [number, verdict]));
  const right = Math.max(...at.values(), byTime ? 1 : 2), margin = byTime ? 0.02 * right : 0.6;
  const range = [(byTime ? 0 : 1) - margin, right + margin];
  place.replaceChildren();
  for (const [number, level] of points.levels.entries()) {
    drawLevel(place, level, number === 0, range, at, verdicts, byTime ? time : "experiment");
  }
}

function drawLevel(place, level, first, range, at, verdicts, axis) {
  const last = level === points.levels.at(-1);
  const dots = level.dots.map(([number, score, paired, error]) => ({number, score, paired, error, x: at.get(number)}));
  dots.sort((one, two) => one.x - two.x);
  const kinds = Object.keys(VERDICT_COLOURS).filter((kind) => dots.some((dot) => verdicts.get(dot.number) === kind));
  const scoresOf = (kind) => dots.map((dot) => verdicts.get(dot.number) === kind ? dot.score : null);
  const data = [dots.map((dot) => dot.x), ...kinds.map(scoresOf)];
  const tallest = place.clientWidth < 500 ? 260 : points.levels.length > 1 ? 370 : 520;
  const nearest = (plot) => {  // the dot nearest to the pointer, among all of them
    let best = null, least = 24;
    for (const dot of dots) {
      const across = plot.valToPos(dot.x, "x") - plot.cursor.left, down = plot.valToPos(dot.score, "y") - plot.cursor.top;
      const far = Math.hypot(across, down);
      if (far < least) { best = dot; least = far; }
    }
    return best;
  };
  const plot = new uPlot({
    width: place.clientWidth, height: first ? tallest : 180, legend: {show: first, live: false},
    scales: {x: {time: false, range: (u, low, high) => u.zoomed ? [low, high] : range}, y: {range: [0, 1.05]}},
    cursor: {points: {show: false}, drag: {x: true, y: false}, y: false},
    axes: [{...axisLook(), label: last ? axis : undefined,
      incrs: axis === "experiment" ? [1, 2, 5, 10, 20, 50, 100, 200, 500] : undefined},
      {...axisLook(), label: `${first ? points.objective : ""} at ${level.name}`, size: 52}],
    series: [{}, ...kinds.map((kind) => ({label: kind, stroke: colour(VERDICT_COLOURS[kind]), paths: () => null,
      points: {show: true, size: dots.length > MANY ? 5 : 9, fill: colour(VERDICT_COLOURS[kind])}}))],
    hooks: {
      drawClear: [(u) => shadePhases(u, at)],
      drawAxes: [(u) => drawLines(u, level, at, dots)],
      draw: [(u) => namePhases(u, at)],
      setSelect: [(u) => { u.zoomed = u.select.width > 0; }],
      setCursor: [(u) => {
        const dot = u.cursor.left >= 0 ? nearest(u) : null, box = u.over.getBoundingClientRect();
        u.over.style.cursor = dot ? "pointer" : "crosshair";
        if (!dot) { hideTip(); return; }
        const paired = dot.paired === null ? "" : `\ncompared with ${dot.paired.toFixed(4)} on the same seeds`;
        const error = dot.error === null ? ""
          : `\n${dot.score.toFixed(4)} ± ${dot.error.toFixed(4)}, the standard error between seeds`;
        showTip(wordsOf(nameOf(dot.number)) + error + paired, box.left + u.cursor.left, box.top + u.cursor.top);
      }],
    },
  }, data, place);
  plot.over.addEventListener("dblclick", () => { plot.zoomed = false; plot.setData(data); });
  plot.over.addEventListener("click", () => { const dot = nearest(plot); if (dot) { location.hash = nameOf(dot.number); } });
  plot.over.addEventListener("pointerleave", hideTip);
}

function spansOfPhases(u, at) {
  const {left: least, width} = u.bbox, half = (from, to) => (at.get(from) + at.get(to)) / 2;
  return points.phases.map(([phase, first, last], place) => {
    const before = place ? points.phases[place - 1][2] : null, after = points.phases[place + 1]?.[1];
    const left = before === null ? least : u.valToPos(half(before, first), "x", true);
    const right = after === undefined ? least + width : u.valToPos(half(last, after), "x", true);
    return [phase, Math.max(left, least), Math.min(right, least + width)];
  });
}

function shadePhases(u, at) {
  for (const [phase, left, right] of spansOfPhases(u, at)) {
    const shade = {sweep: "sweep-shade", code: "code-shade"}[phase];
    if (!shade || right <= left) { continue; }
    u.ctx.fillStyle = colour(shade);
    u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
  }
}

function namePhases(u, at) {
  const {ctx} = u, dpr = devicePixelRatio;
  ctx.save();
  Object.assign(ctx, {fillStyle: colour("muted"), font: `${11 * dpr}px system-ui`, textAlign: "left", textBaseline: "top"});
  for (const [phase, left, right] of spansOfPhases(u, at)) {
    const fits = ctx.measureText(phase).width + 8 * dpr < right - left;
    if (phase !== "baseline" && fits) { ctx.fillText(phase, left + 4 * dpr, u.valToPos(1, "y", true) + 3 * dpr); }
  }
  ctx.restore();
}

function drawLines(u, level, at, dots) {
  const {ctx, bbox} = u, dpr = devicePixelRatio;
  const x = (value) => u.valToPos(value, "x", true), y = (value) => u.valToPos(value, "y", true);
  const line = (from, to, height, hue, width, dash = []) => {
    ctx.strokeStyle = colour(hue); ctx.lineWidth = width * dpr; ctx.setLineDash(dash.map((part) => part * dpr));
    ctx.beginPath(); ctx.moveTo(from, y(height)); ctx.lineTo(to, y(height)); ctx.stroke();
  };
  const edge = bbox.left + bbox.width;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  level.lead.forEach(([number, score], place) => {
    const from = x(at.get(number)), to = place + 1 < level.lead.length ? x(at.get(level.lead[place + 1][0])) : edge;
    ctx.fillStyle = colour("band");
    const high = y(Math.min(1, score + level.sigma)), low = y(Math.max(0, score - level.sigma));
    ctx.fillRect(from, high, to - from, low - high);
    line(from, to, score, "good", 2);
  });
  if (level.baseline !== null) { line(bbox.left, edge, level.baseline, "ink", 1, [6, 4]); }
  if (points.trivial !== null) { line(bbox.left, edge, points.trivial, "muted", 1, [2, 3]); }
  for (const dot of dots.filter((each) => each.paired !== null && dots.length <= MANY)) {
    line(x(dot.x) - 5 * dpr, x(dot.x) + 5 * dpr, dot.paired, "muted", 1.5);
    ctx.beginPath(); ctx.moveTo(x(dot.x), y(dot.paired)); ctx.lineTo(x(dot.x), y(dot.score)); ctx.lineWidth = dpr; ctx.stroke();
  }
  ctx.restore();
}
