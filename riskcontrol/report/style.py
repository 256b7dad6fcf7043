"""The style of a report: light or dark, as the reader's system is."""

from __future__ import annotations

STYLE = """\
:root{color-scheme:light dark;--back:#fff;--card:#f6f7f9;--text:#1b1f24;--soft:#5b6470;--line:#d9dde3;--ink:#1f6feb;\
--gain:#1a7f37;--loss:#cf222e;--warn:#9a6700}
@media (prefers-color-scheme:dark){:root{--back:#0f1216;--card:#181c22;--text:#e6e9ee;--soft:#9aa4b1;--line:#2c333c;\
--ink:#5aa2ff;--gain:#4cc46a;--loss:#ff6b6b;--warn:#e3b341}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,sans-serif;\
font-variant-numeric:tabular-nums}
main{max-width:1100px;margin:0 auto;padding:24px 16px 48px}
h1{font-size:26px;margin:0 0 4px}h2{font-size:17px;margin:0 0 12px}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:16px;margin-top:16px}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:12px 0 0;font-size:13px}
.note{color:var(--soft);margin:4px 0;font-size:13px;overflow-wrap:anywhere}.warning{color:var(--warn)}
.decision{font-size:22px;font-weight:600;margin:0 0 8px}
.pull b,.decision.pull,.loss,.sell{color:var(--loss);fill:var(--loss)}
.keep-testing b,.decision.keep-testing{color:var(--warn)}
.scale-up b,.decision.scale-up,.gain,.buy{color:var(--gain);fill:var(--gain)}
.reasons{list-style:none;margin:0;padding:0}.reasons li{padding-left:1.3em;text-indent:-1.3em}
.reasons b{display:inline-block;width:1.3em;text-indent:0}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:0 32px;margin:0}
dl div{display:flex;justify-content:space-between;gap:12px;border-bottom:1px solid var(--line);padding:3px 0}
dt{color:var(--soft)}dd{margin:0;white-space:nowrap}
.chart{display:grid;grid-template-columns:64px 1fr;margin-bottom:8px}
.chart svg{width:100%;height:260px;display:block;overflow:visible}.drawdown svg{height:110px}
.y{position:relative}.y span{position:absolute;right:8px;transform:translateY(-50%);font-size:12px;color:var(--soft)}
.x{grid-column:2;display:flex;justify-content:space-between;font-size:12px;color:var(--soft);padding-top:4px}
path{fill:none;vector-effect:non-scaling-stroke}
.grid{stroke:var(--line);stroke-width:1}.line{stroke:var(--ink);stroke-width:1.5;stroke-linejoin:round}
.drawdown .line{stroke:var(--loss)}.area{fill:var(--loss);opacity:.2}.price .line{stroke:var(--soft)}
.mark{stroke-width:7;stroke-linecap:round}.mark.buy{stroke:var(--gain)}.mark.sell{stroke:var(--loss)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;min-width:100%}
th,td{text-align:right;padding:3px 8px;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:500}
@media (max-width:600px){.x span:nth-child(even):not(:last-child){display:none}.chart{grid-template-columns:52px 1fr}\
dl{grid-template-columns:1fr}}
"""
