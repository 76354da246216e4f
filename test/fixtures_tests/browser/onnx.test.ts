// The onnx backend in a real browser on trained models in every weight type.

import { describeOnnxParity } from "../../support/onnx_parity";
import { trainedFixtures } from "../../support/parity_table";

describeOnnxParity(trainedFixtures, [7]);
