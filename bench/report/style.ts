/** Colours: every text has a contrast of at least 4.5 to its ground, every line and bar at least 3 (WCAG 2.2, 1.4.3, 1.4.11). */
const LIGHT = `--page:#f6f8fa;--card:#ffffff;--ink:#1c2128;--muted:#57606a;--edge:#d0d7de;--grid:#e4e8ec;--ours:#0b5cad;--peer:#7d8792;
--target:#b3261e;--good:#1a6b30;--bad:#b3261e;--c0:#0b5cad;--c1:#b35900;--c2:#1a7f37;--c3:#8250df;--c4:#bf3989;--c5:#57606a;`;
const DARK = `--page:#0d1117;--card:#161b22;--ink:#e6edf3;--muted:#9da7b3;--edge:#3d444d;--grid:#2a313a;--ours:#58a6ff;--peer:#768390;
--target:#ff8a80;--good:#56d364;--bad:#ff8a80;--c0:#58a6ff;--c1:#f0883e;--c2:#56d364;--c3:#bc8cff;--c4:#f778ba;--c5:#9da7b3;`;

/** The colours as variables of `root`; `dark` = not on paper. */
const colours = (root: string): string =>
  `${root}{${LIGHT}color-scheme:light dark}@media screen and (prefers-color-scheme:dark){${root}{${DARK}}}`;

const DASHES = ['none', '7 3', '2 3', '10 3 2 3', 'none', '7 3', '2 3', '10 3 2 3'] as const;

/** What the elements of a drawing look like. */
const DRAWING = `.chart{font:13px/1.2 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
.chart text{fill:var(--ink)}.chart .small{font-size:11px;fill:var(--muted)}.chart .value{font-weight:600;font-variant-numeric:tabular-nums}
.chart .plot{fill:none}.chart .grid{stroke:var(--grid)}.chart .ours{fill:var(--ours)}.chart .peer{fill:var(--peer)}
.chart .halo{fill:none;stroke:var(--card);stroke-width:4}.chart .whisker{fill:none;stroke:var(--ink);stroke-width:1.5}
.chart .target{stroke:var(--target);stroke-width:2}.chart .one{stroke:var(--muted);stroke-dasharray:3 3}
.chart .line{fill:none;stroke-width:1.8;stroke-linejoin:round}.chart .mark{stroke:var(--target);stroke-dasharray:4 3}
.chart .mark-label{fill:var(--ink);paint-order:stroke;stroke:var(--card);stroke-width:3}
.chart .heading{font-size:15px;font-weight:600}
${DASHES.map((dash, i) => `.chart .line-${i} .line{stroke:var(--c${i % 6});stroke-dasharray:${dash}}.chart .line-${i} .dot{fill:var(--c${i % 6})}`).join('\n')}`;

const PAGE = `*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
main,body>header,body>footer{max-width:1180px;margin:0 auto;padding:0 16px}
h1{font-size:26px;margin:24px 0 4px}h2{font-size:22px;margin:40px 0 4px;padding-top:16px;border-top:2px solid var(--edge)}
h3{font-size:17px;margin:28px 0 8px}p{margin:6px 0;max-width:75ch}p,li,h2,h3{overflow-wrap:anywhere}td{overflow-wrap:break-word}a{color:var(--ours)}.muted,footer{color:var(--muted)}
footer{padding-bottom:32px;margin-top:40px}.question{font-size:17px}.warning{border-left:4px solid var(--bad);padding:4px 12px;font-weight:600}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr));gap:16px;align-items:start}
.card+.grid{margin-top:16px}.grid>*{min-width:0}.wide{grid-column:1/-1}.wide table{min-width:760px}.card,figure{margin:0;background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:14px}
figure{break-inside:avoid}figure .scroll,details{margin-top:10px}figcaption{font-weight:600;margin-bottom:10px;overflow-wrap:anywhere}figcaption .muted{font-weight:400}
svg.chart{display:block;width:100%;max-width:540px;height:auto}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--edge);vertical-align:top;min-width:9ch}
th{color:var(--muted);font-weight:600}td.number,th.number{min-width:0;padding-right:16px;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:0;font-size:14px}dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
details{font-size:13px}summary{cursor:pointer;color:var(--muted)}
ul{padding-left:20px;margin:6px 0}li{margin:3px 0}ul.checks{list-style:none;padding:0}
.pass{color:var(--good);font-weight:600}.fail{color:var(--bad);font-weight:600}
@media (max-width:480px){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:6px}.card,figure{padding:10px}}
@media print{body{background:none;font-size:11pt}.card,figure{border-color:#999}.scroll{overflow:visible}main{max-width:none}a{color:inherit}}`;

export const PAGE_STYLE = `${colours(':root')}\n${PAGE}\n${DRAWING}`;
/** For an SVG file of its own, which an HTML page shows as a picture. */
export const PICTURE_STYLE = `${colours('.chart')}\n.chart .card{fill:var(--card);stroke:var(--edge)}\n${DRAWING}`;
