// Imported first by workers that the page starts: their name is the label.

import { installGpuMeter } from "../gpu_meter";

installGpuMeter(self.name);
