import type { ChartSpec } from '../../src/report/chart.ts';

/** Whatever in a page would make a browser fetch something. Text of the library's own code and licence is not looked at. */
export function referencesOf(html: string): string[] {
  const markup = html.replace(/<script>[\s\S]*?<\/script>/g, '');
  return [...markup.matchAll(/(?:src|href|srcset|action)\s*=|@import|url\(|https?:|<link|<iframe|<img/g)].map(
    ([found]) => found,
  );
}

/** The data that the page's script draws. */
export function chartsIn(html: string): ChartSpec[] {
  const data = /<script type="application\/json" id="charts">([\s\S]*?)<\/script>/.exec(html)?.[1];
  if (data === undefined) throw new Error('The page has no data.');
  return JSON.parse(data) as ChartSpec[];
}
