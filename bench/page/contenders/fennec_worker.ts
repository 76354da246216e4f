// Fennec's engine in its worker, metered.

import "./meter_here";
import { serve } from "@fennec/engine/worker";

serve();
