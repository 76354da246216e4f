// The onnx backend on the models of the repository, against logits of other implementations.

import { describeOnnxParity } from "../../support/onnx_parity";
import { ownFixtures } from "../../support/parity_table";

describeOnnxParity(ownFixtures, [512, 7, 1]);
