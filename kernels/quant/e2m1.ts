// The values of MXFP4 and NVFP4, doubled so that they are whole; e2m1.wgsl is its twin.
//
// Source: `kvalues_mxfp4` of ggml (ggml-common.h); E2M1 of the OCP microscaling formats.

export const E2M1_DOUBLED: readonly number[] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];
