// From our chart data to ECharts options: units on the axes, one colour for one thing, intervals as bands or whiskers.
import { language, make } from "regulars/words";

const TONES = { accent: "--chart-1", good: "--chart-good", warning: "--chart-warning", danger: "--chart-danger", info: "--chart-5", grey: "--chart-grey" };

// light-dark() is resolved by asking the browser for the colour it would paint
function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  probe.hidden = true;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

const faint = (value, share) => value.replace(/^rgb\((.*)\)$/, (_, inner) => `rgba(${inner}, ${share})`);

export function figure(unit) {
  if (unit.startsWith("money:")) {
    const currency = unit.slice(6);
    const whole = new Intl.NumberFormat(language, { style: "currency", currency });
    const digits = whole.resolvedOptions().maximumFractionDigits;
    const short = new Intl.NumberFormat(language, { style: "currency", currency, notation: "compact", maximumFractionDigits: 1 });
    return { digits, long: (value) => whole.format(value / 10 ** digits), short: (value) => short.format(value / 10 ** digits) };
  }
  const style = unit === "percent" ? { style: "percent", maximumFractionDigits: 1 } : { maximumFractionDigits: 2 };
  const long = new Intl.NumberFormat(language, style);
  const short = new Intl.NumberFormat(language, { ...style, notation: "compact" });
  return { digits: 0, long: (value) => long.format(value), short: (value) => short.format(value) };
}

function names(x) {
  const isDay = /^\d{4}-\d{2}-\d{2}$/;
  if (!x.every((one) => isDay.test(one))) return { short: (one) => one, long: (one) => one };
  const at = (one) => new Date(`${one}T12:00:00Z`);
  const short = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const long = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
  return { short: (one) => short.format(at(one)), long: (one) => long.format(at(one)) };
}

// the band of an interval: an invisible line at its lower end carries a filled one as high as the interval
function band(series, tint, index) {
  const hidden = { type: "line", stack: `band-${index}`, stackStrategy: "all", silent: true, symbol: "none", lineStyle: { opacity: 0 }, tooltip: { show: false } };
  const low = series.interval.map((pair) => pair?.[0] ?? null);
  const height = series.interval.map((pair) => (pair ? pair[1] - pair[0] : null));
  return [{ ...hidden, data: low }, { ...hidden, data: height, areaStyle: { color: faint(tint, 0.16) } }];
}

// days on which something began: dashed lines over the whole height, named while there is room for names
function turns(marks, text, font) {
  const label = { show: marks.length <= 4, formatter: (one) => one.data.name, color: text, fontFamily: font, fontSize: 12, position: "insideEndTop" };
  return { silent: true, symbol: "none", animation: false, lineStyle: { color: text, type: "dashed", width: 1 }, label, data: marks.map(({ x, name }) => ({ xAxis: x, name })) };
}

function whiskers(series, tint, lying) {
  return {
    type: "custom", silent: true, tooltip: { show: false }, z: 5, data: series.interval.map((pair, at) => (lying ? [pair?.[0], at, pair?.[1]] : [at, pair?.[0], pair?.[1]])),
    encode: lying ? { x: [0, 2], y: 1 } : { x: 0, y: [1, 2] },
    renderItem(_, api) {
      const ends = lying ? [api.coord([api.value(0), api.value(1)]), api.coord([api.value(2), api.value(1)])] : [api.coord([api.value(0), api.value(1)]), api.coord([api.value(0), api.value(2)])];
      const [dx, dy] = lying ? [0, 5] : [5, 0];
      const stroke = (from, to) => ({ type: "line", shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style: { stroke: tint, lineWidth: 1.5 } });
      return { type: "group", children: [stroke(ends[0], ends[1]), ...ends.map(([x, y]) => stroke([x - dx, y - dy], [x + dx, y + dy]))] };
    },
  };
}

export function options(data) {
  const text = colour("--text-2");
  const line = colour("--line");
  const strong = colour("--text");
  // without quotes: the tooltip's rich text cannot read a family name that has them
  const font = getComputedStyle(document.body).fontFamily.replaceAll('"', "");
  const { long, short } = figure(data.unit);
  const name = names(data.x);
  const lying = data.kind === "rows" || data.kind === "lift";
  const tints = data.series.map((series, at) => colour(TONES[series.tone] ?? `--chart-${(at % 8) + 1}`));
  const many = data.series.length > 1;

  const series = data.series.flatMap((one, at) => {
    const common = { name: one.name, data: one.values, color: tints[at], emphasis: { disabled: true } };
    if (data.kind === "lift") return [{ ...common, type: "scatter", symbolSize: 11, z: 6 }, ...(one.interval ? [whiskers(one, tints[at], true)] : [])];
    if (data.kind === "line" || data.kind === "area") {
      const lineSeries = { ...common, type: "line", smooth: 0.2, symbol: "circle", symbolSize: 7, showSymbol: data.x.length < 2, lineStyle: { width: 2 }, connectNulls: false, z: 4 };
      if (data.turns?.length && at === 0) lineSeries.markLine = turns(data.turns, text, font);
      if (data.kind === "area") lineSeries.areaStyle = { color: faint(tints[at], 0.12) };
      return [...(one.interval ? band(one, tints[at], at) : []), lineSeries];
    }
    const radius = data.kind === "stacked" ? 0 : lying ? [0, 3, 3, 0] : [3, 3, 0, 0];
    const bar = { ...common, type: "bar", stack: data.kind === "stacked" ? "all" : undefined, barMaxWidth: lying ? 18 : 36, itemStyle: { borderRadius: radius } };
    return [bar, ...(one.interval ? [whiskers(one, strong, lying)] : [])];
  });

  const categories = {
    type: "category", data: data.x, inverse: lying, axisLine: { lineStyle: { color: line } }, axisTick: { show: false },
    axisLabel: { color: text, fontFamily: font, fontSize: 12, hideOverlap: true, formatter: name.short, ...(lying ? { width: 140, overflow: "truncate" } : {}) },
    name: lying ? "" : data.x_name ?? "", nameLocation: "middle", nameGap: 30, nameTextStyle: { color: text, fontFamily: font, fontSize: 12 },
  };
  const values = {
    type: "value", splitNumber: 4, minInterval: data.unit === "count" ? 1 : 0, splitLine: { lineStyle: { color: line } }, axisLine: { show: false },
    axisLabel: { color: text, fontFamily: font, fontSize: 12, formatter: short, hideOverlap: true },
    name: data.y_name ?? "", nameLocation: lying ? "middle" : "end", nameGap: lying ? 28 : 12,
    nameTextStyle: { color: text, fontFamily: font, fontSize: 12, align: lying ? "center" : "left" },
  };
  return {
    animationDuration: 240, textStyle: { fontFamily: font }, aria: { enabled: false },
    grid: { left: 4, right: 16, top: (many ? 34 : 10) + (data.y_name && !lying ? 20 : 0), bottom: (lying ? data.y_name : data.x_name) ? 24 : 4, containLabel: true },
    legend: { type: "scroll", show: many, left: 0, right: 0, top: 0, itemWidth: 10, itemHeight: 10, itemGap: 16, icon: "roundRect", data: data.series.map((one) => one.name), textStyle: { color: text, fontFamily: font, fontSize: 13 } },
    tooltip: {
      trigger: "axis", confine: true, className: "r-tip", transitionDuration: 0,
      axisPointer: { type: lying || data.kind === "bar" || data.kind === "stacked" ? "shadow" : "line", lineStyle: { color: faint(text, 0.5), type: "solid" }, shadowStyle: { color: faint(text, 0.08) } },
      // made of elements, not of text: the policy of the page forbids the inline styles ECharts would write
      formatter(points) {
        const at = points[0].dataIndex;
        const lines = data.series.flatMap((one, index) => {
          if (one.values[at] == null) return [];
          const dot = make("i");
          dot.style.background = tints[index];
          const pair = one.interval?.[at];
          const range = pair && make("span", { class: "quiet" }, `${long(pair[0])} – ${long(pair[1])}`);
          return [make("div", {}, dot, make("span", {}, one.name), make("b", {}, long(one.values[at])), range)];
        });
        return make("div", {}, make("p", {}, name.long(data.x[at])), ...lines);
      },
    },
    xAxis: lying ? values : categories, yAxis: lying ? categories : values, series,
  };
}
