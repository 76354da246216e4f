// The 16 values of IQ4_NL and IQ4_XS; iq4_codebook.wgsl is its twin.
//
// Source: `kvalues_iq4nl` of ggml (ggml-common.h).

export const IQ4_CODEBOOK: readonly number[] = [
  -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
];
