// Charts from data attributes, in the theme's colours. ECharts is big, so it is fetched only where a chart comes into view.
import { options, figure } from "regulars/drawing";

let library = null;
const drawn = new Map();

function fetchLibrary() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.echarts;
    script.onload = () => resolve(window.echarts);
    script.onerror = reject;
    document.head.append(script);
  });
  return library;
}

async function draw(box) {
  // a canvas does not draw itself again when its font arrives
  const [echarts] = await Promise.all([fetchLibrary(), document.fonts.load("12px Inter").catch(() => null)]);
  if (!box.isConnected || !box.clientWidth) return;
  const data = JSON.parse(box.dataset.chart);
  const chart = echarts.getInstanceByDom(box) ?? echarts.init(box, null, { renderer: "canvas" });
  chart.setOption(options(data), true);
  if (!drawn.has(box)) {
    drawn.set(box, chart);
    chart.on("click", (point) => { const link = data.links?.[point.dataIndex]; if (link) location.assign(link); });
    new ResizeObserver(() => chart.resize()).observe(box);
  }
  box.dataset.drawn = "1";
}

function save(name, href) {
  const link = document.createElement("a");
  link.href = href;
  link.download = name;
  link.click();
}

function csv(data) {
  const cell = (value) => (/[",\n;]/.test(String(value ?? "")) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ""));
  const { digits } = figure(data.unit);
  const write = (value) => (value == null ? "" : digits ? (value / 10 ** digits).toFixed(digits) : value);
  const lines = [[data.x_name ?? "", ...data.series.map((one) => one.name)]];
  data.x.forEach((x, at) => lines.push([x, ...data.series.map((one) => write(one.values[at]))]));
  return "\ufeff" + lines.map((line) => line.map(cell).join(",")).join("\r\n");
}

function setUpBoxes() {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }, { rootMargin: "300px" });
  document.querySelectorAll("[data-chart]:not([data-watched])").forEach((box) => { box.dataset.watched = "1"; seen.observe(box); });
  for (const [box, chart] of drawn) if (!box.isConnected) { chart.dispose(); drawn.delete(box); }
}

export function setUpCharts() {
  setUpBoxes();
  document.addEventListener("htmx:after:swap", setUpBoxes);
  document.addEventListener("regulars:theme", () => drawn.forEach((_, box) => draw(box)));
  document.addEventListener("click", (event) => {
    const figureBox = event.target.closest(".r-chart");
    if (!figureBox) return;
    const box = figureBox.querySelector("[data-chart]");
    const toggle = event.target.closest("[data-chart-table]");
    if (toggle) {
      const table = figureBox.querySelector(".r-chart-table");
      table.hidden = !table.hidden;
      box.hidden = !table.hidden;
      toggle.setAttribute("aria-pressed", String(!table.hidden));
      if (!box.hidden) draw(box);
    }
    const name = figureBox.id.replace("chart-", "");
    if (event.target.closest("[data-chart-png]")) {
      const ground = getComputedStyle(document.documentElement).getPropertyValue("color-scheme").includes("dark") ? "#1a1a1e" : "#ffffff";
      save(`${name}.png`, drawn.get(box).getDataURL({ pixelRatio: 2, backgroundColor: ground }));
    }
    if (event.target.closest("[data-chart-csv]")) save(`${name}.csv`, URL.createObjectURL(new Blob([csv(JSON.parse(box.dataset.chart))], { type: "text/csv" })));
    if (event.target.closest("[data-chart-png], [data-chart-csv]")) event.target.closest("[popover]")?.hidePopover();
  });
}
