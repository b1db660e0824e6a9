// What process 1 of a template's sandbox keeps of its capabilities: those it was given, for what it runs inherits them.
#pragma once

namespace berth_init {

// Nothing beyond what we may use now can ever come back, and no user but root gets any of it.
void settle_capabilities();

}  // namespace berth_init
