// <chart-view src="…/charts/rfm_grid.json">: draws the ECharts option found at src in the page's theme.
import * as echarts from "echarts";

const zh = document.documentElement.lang.startsWith("zh");
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const tokens = (stem, count) => Array.from({ length: count }, (_, i) => token(`--${stem}-${i}`));
const trim = (n, digits) => n.toLocaleString("en", { maximumFractionDigits: digits });
const scale = zh ? [[1e8, "亿"], [1e4, "万"]] : [[1e9, "B"], [1e6, "M"], [1e3, "K"]];
const none = (n) => n == null || n === "-" || Number.isNaN(Number(n));
const compact = (n) => {
  if (none(n)) return "–";
  const [size, unit] = scale.find(([step]) => Math.abs(n) >= step) ?? [1, ""];
  return trim(n / size, size === 1 && Number.isInteger(Number(n)) ? 0 : 1) + unit;
};
const full = (n) => (none(n) ? "–" : trim(Number(n), 0));
const percent = (n, digits = 1) => (none(n) ? "–" : `${(n * 100).toFixed(digits)}%`);
const yuan = (n, write) => (none(n) ? "–" : `${n < 0 ? "-" : ""}${document.documentElement.dataset.currency || "¥"}${write(Math.abs(n) / 100)}`);
const money = (n) => yuan(n, (value) => value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
const moneyCompact = (n) => yuan(n, compact);
// Tooltips are HTML: whatever comes from data is made text first.
const plain = (text) => String(text ?? "").replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const number = (value) => (Array.isArray(value) ? value.at(-1) : value);
// About how many pixels a text takes: Chinese letters are square, others take a little over half.
const wide = (text, size) => [...text].reduce((sum, c) => sum + (c > "\u2e7f" ? size : size * 0.6), 0);
const label = (data) => data?.text ?? data?.name ?? "";
const tip = (title, ...parts) => `${plain(title)}<br><b>${parts.filter(Boolean).map(plain).join(" · ")}</b>`;

// What an option may name with "@": value formatters, labels and tooltips over the data item.
const formatters = {
  compact, full, money, moneyCompact,
  percent: (value) => percent(value),
  percent0: (value) => percent(value, 0),
  days: (value) => (none(value) ? "–" : `${trim(Number(value), 1)}${zh ? " 天" : " d"}`),
  // data.text and data.tip are written by Python: a label, and the lines of a tooltip.
  text: ({ data }) => data?.text ?? data?.name ?? "",
  tip: ({ data, name }) => [data?.text ?? name, ...[data?.tip ?? []].flat()].map((line, i) => (i ? plain(line) : `<b>${plain(line)}</b>`)).join("<br>"),
  treemap: ({ data }) => tip(data.name, full(number(data.value)), data.share == null ? "" : percent(data.share), data.money == null ? "" : moneyCompact(data.money)),
  sankeyLabel: ({ data, value }) => `${label(data)} ${compact(value)}`,
  heat: ({ name, value }) => tip(name, percent(value[2])),
  heatLabel: ({ value }) => percent(value[2], 0),
  heatCount: ({ name, value }) => tip(name, full(value[2])),
  heatCountLabel: ({ value }) => compact(value[2]),
  moneyLabel: ({ value }) => moneyCompact(number(value)),
  ratioLabel: ({ value }) => percent(number(value)),
  barLabel: ({ value, data }) => [compact(number(value)), data?.rate == null ? "" : percent(data.rate)].filter(Boolean).join(" · "),
};

const theme = () => {
  const [ink, soft, line, surface] = ["ink", "ink-2", "line", "surface"].map((key) => token(`--${key}`));
  const axis = { axisLine: { lineStyle: { color: line } }, axisTick: { show: false }, axisLabel: { color: soft, fontSize: 12 }, nameTextStyle: { color: soft }, splitLine: { lineStyle: { color: line } } };
  return {
    color: tokens("chart", 8),
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: ink },
    legend: { textStyle: { color: soft }, pageTextStyle: { color: soft }, itemWidth: 14, itemHeight: 8, icon: "roundRect" },
    tooltip: { backgroundColor: surface, borderColor: line, textStyle: { color: ink, fontSize: 13 }, confine: true, extraCssText: "box-shadow: var(--shadow-pop); border-radius: 8px" },
    categoryAxis: { ...axis, splitLine: { show: false } }, valueAxis: axis, timeAxis: { ...axis, axisLabel: { ...axis.axisLabel, hideOverlap: true }, splitLine: { show: false } }, logAxis: axis,
    sankey: { label: { color: ink, fontSize: 12 } },
    treemap: { label: { color: "#fff" }, itemStyle: { borderColor: surface } },
    funnel: { label: { color: ink } }, bar: { label: { color: soft } }, heatmap: { label: { color: ink } }, pie: { label: { color: ink } },
  };
};

class ChartView extends HTMLElement {
  static observedAttributes = ["src", "height", "style"];

  connectedCallback() {
    this.measure();
    this.sized = new ResizeObserver(() => this.chart?.resize());
    this.sized.observe(this);
    this.themed = new MutationObserver(() => this.option && this.draw());
    this.themed.observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    this.load();
  }

  disconnectedCallback() {
    this.sized?.disconnect();
    this.themed?.disconnect();
    this.chart?.dispose();
    this.chart = null;
  }

  // A morph that changes src (new filters) redraws in place; one that takes the height away gets it back.
  attributeChangedCallback(name, before) {
    if (!this.isConnected) return;
    if (name !== "src") this.measure();
    else if (before !== null) this.load();
  }

  measure() {
    const height = `${this.getAttribute("height") || 280}px`;
    if (this.style.height !== height) this.style.height = height;
  }

  async load() {
    this.classList.add(this.chart ? "busy" : "loading");
    const src = this.getAttribute("src");
    try {
      const answer = await fetch(src, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.status);
      const found = await answer.json();
      if (src !== this.getAttribute("src") || !this.isConnected) return;
      this.classList.remove("loading", "busy", "failed", "blank");
      if (found.empty) return this.say("blank", this.dataset.blank);
      this.option = found.option;
      this.draw();
    } catch {
      if (this.isConnected) { this.classList.remove("loading", "busy"); this.say("failed", this.dataset.failed); }
    }
  }

  say(state, text) {
    this.chart?.dispose();
    this.chart = this.option = null;
    this.classList.add(state);
    this.replaceChildren(Object.assign(document.createElement("span"), { textContent: text }));
    if (state !== "failed") return;
    const again = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: this.dataset.again });
    again.addEventListener("click", () => { this.classList.remove("failed"); this.replaceChildren(); this.load(); });
    this.append(again);
  }

  // "@compact" is a formatter, "@heat" a scale, any other "@name" a colour token of the page.
  resolve(value) {
    if (typeof value === "string" && value[0] === "@") {
      const key = value.slice(1);
      if (key === "sankey") return (item) => this.sankeyTip(item);
      if (key === "treemapLabel") return (item) => this.tileLabel(item);
      return formatters[key] ?? (key === "heatRange" ? tokens("heat", 5) : token(`--${key}`));
    }
    if (Array.isArray(value)) return value.map((each) => this.resolve(each));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.resolve(each)]));
    return value;
  }

  sankeyTip({ dataType, data, value }) {
    const nodes = [this.option.series].flat().find((series) => series.type === "sankey").data;
    const name = (key) => label(nodes.find((node) => node.name === key));
    return dataType === "edge" ? tip(`${name(data.source)} → ${name(data.target)}`, full(value)) : tip(label(data), full(value));
  }

  // Of name, number and share as many lines as the tile has room for; the tooltip always says them all.
  tileLabel({ data, dataIndex, seriesIndex }) {
    const tile = this.chart.getModel().getSeriesByIndex(seriesIndex).getData().getItemLayout(dataIndex);
    const fits = (text, size, bottom) => wide(text, size) + 12 <= tile.width && bottom <= tile.height;
    const name = data?.name ?? "", count = compact(number(data?.value));
    if (!name || !fits(name, 13, 26)) return "";
    if (!fits(count, 17, 50)) return name;
    const parts = [data.share == null ? "" : percent(data.share), data.money == null ? "" : moneyCompact(data.money)].filter(Boolean);
    const more = [parts.join(" · "), parts[0]].find((text) => text && fits(text, 12, 70));
    return `${name}\n{v|${count}}${more ? `\n{s|${more}}` : ""}`;
  }

  draw() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches || this.chart;
    this.chart?.dispose();
    this.replaceChildren();
    this.chart = echarts.init(this, theme(), { locale: zh ? "ZH" : "EN" });
    this.chart.setOption({ animationDuration: calm ? 0 : 450, aria: { enabled: true }, ...this.resolve(this.option) });
    this.chart.on("click", ({ data }) => { if (typeof data?.url === "string" && /^\/(?!\/)/.test(data.url)) location.assign(data.url); });
    this.chart.on("mouseover", ({ data }) => this.chart.getZr().setCursorStyle(data?.url ? "pointer" : "default"));
  }

  png() {
    if (!this.chart) return;
    const link = document.createElement("a");
    link.href = this.chart.getDataURL({ pixelRatio: 2, backgroundColor: token("--surface") });
    link.download = `${this.dataset.title}.png`;
    link.click();
  }
}

customElements.define("chart-view", ChartView);
document.addEventListener("click", ({ target }) => {
  const item = target.closest?.("[data-png]");
  if (item) document.getElementById(item.dataset.png)?.png();
});
