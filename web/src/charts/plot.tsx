// One chart: draws curves with uPlot, says what is under the pointer, zooms by dragging.
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Axis } from '../api/chart';
import { formatExact, formatShort } from '../lib/format';
import { align, axisText, nearest, type Curve } from '../lib/series';
import { smooth } from '../lib/smooth';

export interface PlotCurve {
  id: string;
  name: string;
  colour: number;
  curve: Curve;
  /** Points that are stored; the curve has those that draw the same line. */
  points: number;
}

export interface PlotOptions {
  axis: Axis;
  log: boolean;
  smoothing: number;
}

interface PlotProps extends PlotOptions {
  label: string;
  curves: PlotCurve[];
  height: number;
  theme: string;
  zoom: readonly [number, number] | undefined;
  onZoom: (zoom: [number, number] | undefined) => void;
  /** Charts with the same name share one crosshair. */
  group: string;
}

// More lines than this in the box beside the pointer hide more than they tell.
const mostLines = 12;

/** What the drawn series are made of: the smoothed line is drawn over its own faint original. */
function seriesOf(curves: PlotCurve[], options: PlotOptions) {
  const drawable = (y: number) => (options.log && y <= 0 ? NaN : y);
  const raw = curves.map((c) => ({ x: c.curve.x, y: c.curve.y.map(drawable) }));
  if (options.smoothing <= 0) return raw;
  return [
    ...raw,
    ...curves.map((c) => ({ x: c.curve.x, y: smooth(c.curve.y, options.smoothing).map(drawable) })),
  ];
}

function dataOf(curves: PlotCurve[], options: PlotOptions): uPlot.AlignedData {
  const { x, columns } = align(seriesOf(curves, options));
  return [x, ...columns] as uPlot.AlignedData;
}

export default function Plot(props: PlotProps) {
  const holder = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  const { curves, axis, log, smoothing, height, theme, zoom, label, group } = props;
  useEffect(() => {
    latest.current = props;
  });

  const smoothed = smoothing > 0;
  const shape = curves.map((c) => `${c.id}:${c.colour}`).join(',');
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const made = makePlot(element, box.current, latest);
    plot.current = made;
    const watcher = new ResizeObserver(() => {
      const width = element.clientWidth;
      if (width > 0) made.setSize({ width, height: latest.current.height });
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = undefined;
    };
    // A chart is made anew only when its shape changes; new points go into the one that is there.
  }, [shape, axis, log, smoothed, theme, height, group]);

  useEffect(() => {
    const made = plot.current;
    if (!made) return;
    made.setData(dataOf(curves, { axis, log, smoothing }), true);
  }, [curves, axis, log, smoothing, zoom]);

  return (
    <div
      className="plot"
      tabIndex={0}
      role="group"
      aria-roledescription="chart"
      aria-label={`${label}. Left and right move along the curves, Escape leaves the zoom.`}
      onKeyDown={(event) => {
        const made = plot.current;
        if (!made) return;
        if (event.key === 'Escape' && zoom) {
          event.stopPropagation();
          props.onZoom(undefined);
        }
        if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
        event.preventDefault();
        const xs = made.data[0];
        const at = made.cursor.idx ?? (event.key === 'ArrowRight' ? -1 : xs.length);
        const next = Math.max(0, Math.min(xs.length - 1, at + (event.key === 'ArrowRight' ? 1 : -1)));
        const x = xs[next];
        if (x === undefined) return;
        made.setCursor({ left: made.valToPos(x, 'x'), top: made.over.clientHeight / 2 });
      }}
      onBlur={() => {
        if (box.current) box.current.hidden = true;
      }}
    >
      <div ref={holder} className="plot-canvas" aria-hidden="true" />
      <div ref={box} className="plot-box" hidden role="status" aria-live="off" />
    </div>
  );
}

function colourValue(style: CSSStyleDeclaration, colour: number): string {
  return style.getPropertyValue(`--run-${colour}`).trim() || '#888888';
}

function makePlot(
  element: HTMLDivElement,
  box: HTMLDivElement | null,
  latest: { current: PlotProps },
): uPlot {
  const { curves, axis, log, smoothing, height, group } = latest.current;
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue('--muted').trim();
  const grid = style.getPropertyValue('--grid').trim();
  const font = `11px ${style.getPropertyValue('--font').trim()}`;
  const many = curves.length > 20;
  const line = (c: PlotCurve, faint: boolean): uPlot.Series => {
    const solo = c.curve.x.length === 1;
    return {
      label: c.name,
      stroke: colourValue(style, c.colour) + (faint ? '40' : many ? 'c0' : ''),
      width: faint ? 1 : many ? 1.2 : 1.6,
      spanGaps: false,
      points: {
        show: !faint,
        size: solo ? 7 : 5,
        width: 1.4,
        filter: (u, at) => pointsToMark(u, at, curves.length),
      },
    };
  };
  const series: uPlot.Series[] = [{ label: 'x' }, ...curves.map((c) => line(c, smoothing > 0))];
  if (smoothing > 0) series.push(...curves.map((c) => line(c, false)));
  const ticks = { stroke: grid, width: 1, size: 4 };
  const made = new uPlot(
    {
      width: Math.max(120, element.clientWidth),
      height,
      series,
      legend: { show: false },
      padding: [10, 12, 0, 0],
      cursor: {
        sync: {
          key: `${group}:${axis}`,
          setSeries: false,
          // The crosshair is shared; dragging zooms only the chart it happens in.
          filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' },
        },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        points: { size: 6, width: 1.5 },
        focus: { prox: 24 },
      },
      focus: { alpha: 1 },
      scales: {
        x: {
          time: axis === 'time',
          range: (_u, least, most) => {
            const zoom = latest.current.zoom;
            if (zoom) return [zoom[0], zoom[1]];
            if (least === most) {
              const pad = axis === 'step' ? 1 : 30;
              return [least - pad, most + pad];
            }
            return [least, most];
          },
        },
        y: log
          ? { distr: 3, log: 10 }
          : {
              range: (_u, least, most) => {
                if (!Number.isFinite(least) || !Number.isFinite(most)) return [0, 1];
                const pad = most > least ? (most - least) * 0.06 : Math.max(Math.abs(most) * 0.1, 1e-9);
                return [least - pad, most + pad];
              },
            },
      },
      axes: [
        {
          stroke: ink,
          font,
          size: 30,
          gap: 4,
          grid: { show: false },
          ticks,
          ...(axis === 'relative'
            ? {
                incrs: secondsSteps,
                values: (_u: uPlot, at: number[]) => at.map((s) => axisText(s, 'relative')),
              }
            : {}),
          ...(axis === 'step' ? { values: (_u: uPlot, at: number[]) => at.map((s) => shortStep(s)) } : {}),
          space: axis === 'step' ? 60 : 90,
        },
        {
          stroke: ink,
          font,
          gap: 4,
          size: (u, values) => {
            if (!values?.length) return 40;
            u.ctx.font = font;
            return (
              Math.ceil(Math.max(...values.map((v) => u.ctx.measureText(v ?? '').width)) / devicePixelRatio) +
              14
            );
          },
          grid: { stroke: grid, width: 1 },
          ticks: { show: false },
          values: (_u, at) => at.map((v) => (v === null ? '' : formatShort(v))),
          space: 34,
        },
      ],
      hooks: {
        setSelect: [
          (u) => {
            if (u.select.width < 4) return;
            const from = u.posToVal(u.select.left, 'x');
            const to = u.posToVal(u.select.left + u.select.width, 'x');
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            latest.current.onZoom([from, to]);
          },
        ],
        setCursor: [(u) => box && describe(u, box, latest.current)],
        init: [
          (u) => {
            u.over.addEventListener('dblclick', () => latest.current.onZoom(undefined));
            u.over.addEventListener('mouseleave', () => {
              if (box) box.hidden = true;
            });
          },
        ],
      },
    },
    dataOf(curves, { axis, log, smoothing }),
    element,
  );
  return made;
}

const minute = 60;
const hour = 3600;
const secondsSteps = [
  0.001,
  0.002,
  0.005,
  0.01,
  0.02,
  0.05,
  0.1,
  0.2,
  0.5,
  1,
  2,
  5,
  10,
  15,
  30,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
  24 * hour,
  48 * hour,
  168 * hour,
  720 * hour,
  8760 * hour,
];

// More points than these would run together into a thicker line.
const mostMarked = 60;

/** Which points get a mark: all where they are few, otherwise those that no line would show. */
function pointsToMark(u: uPlot, at: number, curveCount: number): number[] {
  const column = u.data[at] ?? [];
  const all: number[] = [];
  const alone: number[] = [];
  let before: number | null = null;
  let last = -1;
  const close = (gap: boolean) => {
    if (last >= 0 && before === null && gap) alone.push(last);
  };
  column.forEach((value, i) => {
    if (value === undefined) return;
    if (value === null) {
      close(true);
      before = null;
      last = -1;
      return;
    }
    all.push(i);
    if (last >= 0) before = last;
    last = i;
  });
  close(true);
  return all.length * curveCount <= mostMarked ? all : alone;
}

function shortStep(step: number): string {
  if (!Number.isInteger(step)) return '';
  const size = Math.abs(step);
  if (size >= 1e6) return `${formatShort(step / 1e6)} M`;
  if (size >= 1e4) return `${formatShort(step / 1e3)} k`;
  return String(step);
}

/** Fills the box beside the pointer: one line for each curve, exact digits, the curve under the pointer strongest. */
function describe(u: uPlot, box: HTMLDivElement, props: PlotProps): void {
  const { left, top } = u.cursor;
  const mine = u.over.matches(':hover') || box.parentElement === document.activeElement;
  if (left === undefined || top === undefined || left < 0 || !mine) {
    box.hidden = true;
    return;
  }
  const x = u.posToVal(left, 'x');
  const y = u.posToVal(top, 'y');
  const [from, to] = [u.scales.x?.min ?? -Infinity, u.scales.x?.max ?? Infinity];
  const entries = props.curves.flatMap((c) => {
    const at = nearest(c.curve.x, x);
    const px = c.curve.x[at];
    if (px === undefined || px < from || px > to) return [];
    const value = c.curve.y[at] as number;
    return [{ c, px, value, distance: Math.abs(value - y), away: Math.abs(px - x) }];
  });
  if (entries.length === 0) {
    box.hidden = true;
    return;
  }
  const closest = entries.reduce((a, b) => (b.away < a.away ? b : a));
  const strongest = entries.reduce((a, b) => ((b.distance || 0) < (a.distance || 0) ? b : a));
  entries.sort((a, b) => b.value - a.value || 0);
  const shown = entries.length > mostLines ? windowAround(entries, entries.indexOf(strongest)) : entries;
  const title = document.createElement('div');
  title.className = 'plot-box-title';
  title.textContent = axisText(closest.px, props.axis);
  const rows = shown.map((entry) => {
    const row = document.createElement('div');
    row.className = entry === strongest && entries.length > 1 ? 'plot-box-row strong' : 'plot-box-row';
    const dot = document.createElement('span');
    dot.className = `dot run-${entry.c.colour}`;
    const name = document.createElement('span');
    name.className = 'plot-box-name';
    name.textContent = entry.c.name + (entry.px === closest.px ? '' : ` (${axisText(entry.px, props.axis)})`);
    const value = document.createElement('span');
    value.className = 'plot-box-value';
    value.textContent = formatExact(entry.value);
    row.append(dot, name, value);
    return row;
  });
  box.replaceChildren(title, ...rows);
  if (shown.length < entries.length) {
    const more = document.createElement('div');
    more.className = 'plot-box-more';
    more.textContent = `and ${entries.length - shown.length} more`;
    box.append(more);
  }
  box.hidden = false;
  const width = box.offsetWidth;
  const room = element(u).clientWidth;
  const anchor = u.over.offsetLeft + left;
  box.style.left = `${anchor + 14 + width > room ? Math.max(0, anchor - width - 14) : anchor + 14}px`;
  box.style.top = `${Math.max(0, u.over.offsetTop + Math.min(top, u.over.clientHeight - 24) + 14)}px`;
  box.setAttribute('aria-live', box.parentElement === document.activeElement ? 'polite' : 'off');
}

function element(u: uPlot): HTMLElement {
  return u.root.parentElement ?? u.root;
}

function windowAround<T>(list: T[], at: number): T[] {
  const start = Math.max(0, Math.min(at - Math.floor(mostLines / 2), list.length - mostLines));
  return list.slice(start, start + mostLines);
}
