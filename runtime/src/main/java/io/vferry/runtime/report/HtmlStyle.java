package io.vferry.runtime.report;

/** The looks of {@link HtmlReport}: light, dark and on paper. */
final class HtmlStyle {

  private HtmlStyle() {}

  static final String CSS =
      """
      :root {
        color-scheme: light dark;
        --page: #ffffff; --text: #1f2933; --faint: #5b6875; --line: #d8dee5; --tile: #f4f6f8;
        --phase: #c9d3dd; --arc: #e8833a; --transfer: #4c8fd6; --pause: #c23b4b;
        --window: #c23b4b22; --good: #1f7a4d; --bad: #b3263a; --on-bar: #10181f;
      }
      @media (prefers-color-scheme: dark) {
        :root {
          --page: #14191f; --text: #e4e9ee; --faint: #98a5b3; --line: #313b46; --tile: #1d242c;
          --phase: #4a5866; --arc: #e08a4a; --transfer: #5d9be0; --pause: #de5a6a;
          --window: #de5a6a2b; --good: #5cc48f; --bad: #f0808f; --on-bar: #0b0f13;
        }
      }
      * { box-sizing: border-box; }
      body {
        margin: 0 auto; padding: 24px; max-width: 1260px;
        background: var(--page); color: var(--text);
        font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
      }
      h1 { font-size: 24px; margin: 0 0 16px; }
      h2 { font-size: 17px; margin: 28px 0 8px; }
      .status {
        font-size: 14px; font-weight: 600; padding: 3px 10px; border-radius: 12px;
        vertical-align: middle; background: var(--tile); border: 1px solid currentColor;
      }
      .completed, .good { color: var(--good); }
      .failed, .cancelled, .failure { color: var(--bad); }
      .figures { display: flex; flex-wrap: wrap; gap: 10px; margin: 0; }
      .figures div {
        background: var(--tile); border: 1px solid var(--line); border-radius: 6px;
        padding: 8px 14px; min-width: 130px;
      }
      .figures dt { color: var(--faint); font-size: 12.5px; }
      .figures dd { margin: 0; font-size: 19px; font-variant-numeric: tabular-nums; }
      .legend { color: var(--faint); font-size: 13px; margin: 0 0 6px; }
      .legend span {
        display: inline-block; width: 12px; height: 12px; border-radius: 2px;
        margin: 0 2px 0 12px; vertical-align: -1px;
      }
      .legend span:first-child { margin-left: 0; }
      .legend .phase { background: var(--phase); }
      .legend .arc { background: var(--arc); }
      .legend .transfer { background: var(--transfer); }
      .legend .pause { background: var(--pause); }
      svg.timeline { display: block; width: 100%; height: auto; }
      svg text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: var(--text); }
      svg .lane { text-anchor: end; }
      svg .tick { text-anchor: middle; fill: var(--faint); }
      svg .bar { fill: var(--on-bar); pointer-events: none; }
      svg .grid { stroke: var(--line); stroke-width: 1; }
      svg .downtime { fill: var(--window); }
      svg rect.phase { fill: var(--phase); }
      svg rect.phase + .bar { fill: var(--text); }
      svg rect.arc { fill: var(--arc); }
      svg rect.transfer { fill: var(--transfer); }
      svg rect.pause { fill: var(--pause); }
      svg g:hover rect { filter: brightness(1.15); }
      .wide { overflow-x: auto; }
      table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
      th, td {
        text-align: left; vertical-align: top; padding: 5px 14px 5px 0;
        border-bottom: 1px solid var(--line);
      }
      thead th { color: var(--faint); font-weight: 500; font-size: 13px; }
      tbody th { font-weight: 600; }
      .n { text-align: right; white-space: nowrap; }
      .path { max-width: 320px; font-size: 13px; }
      code { font-size: 13px; overflow-wrap: anywhere; }
      @media print {
        :root {
          --page: #ffffff; --text: #000000; --faint: #444444; --line: #bbbbbb; --tile: #ffffff;
          --phase: #d5d5d5; --window: #c23b4b22; --good: #1f7a4d; --bad: #b3263a;
        }
        body { padding: 0; max-width: none; font-size: 11px; }
        svg, tr, .figures { break-inside: avoid; }
        * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      }
      """;
}
