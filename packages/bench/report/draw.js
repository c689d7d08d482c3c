// Runs in the page of the report: draws its charts with Chart.js, which stands before it, in the colours of the reader's scheme.
(() => {
  const { Chart } = globalThis;
  const specs = JSON.parse(document.getElementById('charts').textContent);
  const dark = matchMedia('(prefers-color-scheme: dark)');

  // After Okabe and Ito, to be told apart also by the colour-blind; each as it stands out on light and on dark.
  const COLORS = {
    file: ['#0072b2', '#4aa8e8'],
    memory: ['#7a7a7a', '#a8a8a8'],
    level: ['#d18f00', '#e69f00'],
    lmdb: ['#008a63', '#1fbf92'],
    sqlite: ['#b8588d', '#dd93bb'],
    rocksdb: ['#c24f00', '#f07a2b'],
    limit: ['#1b1b1b', '#f2f2f2'],
    'limit-async': ['#1b1b1b', '#f2f2f2'],
    'etcd-wal': ['#6a4fb3', '#b39ddb'],
    'raft-boltdb': ['#8a7f00', '#f0e442'],
  };
  const DASHES = { limit: [8, 4], 'limit-async': [2, 3], 'etcd-wal': [10, 3, 2, 3], 'raft-boltdb': [10, 3, 2, 3] };
  // Besides the colour, for those who see none.
  const POINTS = {
    limit: 'line',
    'limit-async': 'dash',
    file: 'circle',
    memory: 'cross',
    level: 'rect',
    lmdb: 'triangle',
    sqlite: 'rectRot',
    rocksdb: 'star',
    'etcd-wal': 'crossRot',
    'raft-boltdb': 'rectRounded',
  };
  const VARIANT_DASHES = [[], [6, 3], [2, 3], [10, 3, 2, 3]];
  const VARIANT_POINTS = ['circle', 'rect', 'triangle', 'rectRot'];

  const number = (value) =>
    Math.abs(value) >= 100
      ? value.toLocaleString('en-US', { maximumFractionDigits: 0 })
      : value.toLocaleString('en-US', { maximumSignificantDigits: 3 });

  /** 1 and its tens only: a logarithmic axis has no room for more. */
  const logarithmicTick = (value) =>
    Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6) ? compact(value) : '';
  const compact = (value) => new Intl.NumberFormat('en-US', { notation: 'compact' }).format(value);

  /** Points on an axis of numbers, or values in a row of words. Bars always stand in a row. */
  function dataOf(spec, values) {
    if (spec.x === undefined || spec.kind === 'bar') return values;
    return values.map((y, i) => ({ x: spec.x.values[i], y }));
  }

  function xAxis(spec, axis, color) {
    if (spec.x === undefined || spec.kind === 'bar') return { ...axis, grid: { display: false } };
    const ticks = { color, maxTicksLimit: 12, callback: compact };
    const [min, max] = [spec.x.values[0], spec.x.values.at(-1)];
    if (spec.x.scale === 'linear') return { ...axis, type: 'linear', max, ticks };
    // Only where something was measured.
    const afterBuildTicks = (scale) => {
      scale.ticks = spec.x.values.map((value) => ({ value }));
    };
    return { ...axis, type: 'logarithmic', min, max, ticks: { ...ticks, autoSkip: false }, afterBuildTicks };
  }

  function dataset(spec, series) {
    const { kind } = spec;
    const own = series.contender.replace(/-by-hand$/, '');
    const color = (COLORS[own] ?? COLORS.memory)[dark.matches ? 1 : 0];
    const alone = own === series.contender && series.variant > 0;
    const dash = series.variant > 0 ? VARIANT_DASHES[series.variant % 4] : (DASHES[own] ?? []);
    const common = { label: series.label, data: dataOf(spec, series.values), borderColor: color, borderWidth: 2 };
    const hollow = series.variant > 0 && !alone;
    if (kind === 'bar') {
      const pale = hollow || own === 'limit-async';
      return { ...common, backgroundColor: pale ? `${color}55` : color, borderWidth: 1 };
    }
    const pointStyle = alone ? VARIANT_POINTS[series.variant % 4] : (POINTS[own] ?? false);
    const many = series.values.length > 40;
    return {
      ...common,
      backgroundColor: hollow ? 'transparent' : color,
      borderDash: dash,
      pointStyle: many ? false : pointStyle,
      pointRadius: 5,
      pointHoverRadius: 7,
      spanGaps: true,
    };
  }

  function bound(spec, color) {
    return {
      type: 'line',
      label: `target: under ${spec.bound} ${spec.yTitle}`,
      data: spec.labels.map(() => spec.bound),
      borderColor: color,
      borderDash: [4, 4],
      borderWidth: 1.5,
      pointStyle: false,
    };
  }

  function config(spec) {
    const text = dark.matches ? '#d8dce2' : '#2b2f36';
    const grid = dark.matches ? '#ffffff1a' : '#0000001a';
    const datasets = spec.series.map((series) => dataset(spec, series));
    if (spec.bound !== undefined) datasets.push(bound(spec, text));
    const axis = { grid: { color: grid }, ticks: { color: text } };
    const title = (given) => ({ display: given !== '', text: given, color: text });
    return {
      type: spec.kind,
      data: { labels: spec.labels, datasets },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: 'index', intersect: false },
        scales: {
          x: { ...xAxis(spec, axis, text), title: title(spec.xTitle) },
          y: {
            ...axis,
            type: spec.logarithmic ? 'logarithmic' : 'linear',
            beginAtZero: !spec.logarithmic,
            title: title(spec.yTitle),
            ticks: { color: text, callback: spec.logarithmic ? logarithmicTick : compact },
          },
        },
        plugins: {
          legend: {
            display: datasets.length > 1,
            position: 'bottom',
            labels: { color: text, usePointStyle: spec.kind === 'line', boxWidth: 14, boxHeight: 9, padding: 14 },
          },
          tooltip: {
            callbacks: { label: ({ dataset: of, parsed }) => `${of.label}: ${number(parsed.y)} ${spec.yTitle}` },
          },
        },
      },
    };
  }

  let charts = [];
  function draw() {
    for (const chart of charts) chart.destroy();
    charts = specs.map((spec) => new Chart(document.getElementById(`chart-${spec.id}`), config(spec)));
  }
  dark.addEventListener('change', draw);
  draw();
})();
