// What is cut off from the sandbox that no namespace of it cuts off. Knows nothing of work.
#pragma once

namespace berth_init {

// Where a sandbox has the host's network it also has the host's abstract Unix sockets, which desktops and services
// listen on and trust by account. Landlock closes them to this process and all its children, from Linux 6.12 on.
void leave_abstract_sockets();

}  // namespace berth_init
