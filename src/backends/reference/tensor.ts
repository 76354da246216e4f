// The reference backend's one kind of value.

/** `[rows, width]` in f64. */
export interface Matrix {
  readonly rows: number;
  readonly width: number;
  readonly data: Float64Array;
}

export function zeros(rows: number, width: number): Matrix {
  return { rows, width, data: new Float64Array(rows * width) };
}

/** A new matrix of the same size with `f` of each element. */
export function map(x: Matrix, f: (value: number, index: number) => number): Matrix {
  const y = zeros(x.rows, x.width);
  for (let i = 0; i < y.data.length; i++) y.data[i] = f(x.data[i]!, i);
  return y;
}
