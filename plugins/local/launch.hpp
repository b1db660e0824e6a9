// Starts the first process of a sandbox: bubblewrap with every namespace, and in it berth-init.
//
// The whole plan is descriptors: no path of ours is on bubblewrap's command line for everybody to read. Nothing of the
// calling process but these descriptors, and no environment, gets through.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "call_filter.hpp"
#include "descriptor.hpp"
#include "record.hpp"

namespace berth_local {

// A root from a template, built by berth-root before bubblewrap starts in it.
struct TemplatePlan {
    std::string program;                  // berth-root's path
    const Descriptor* lower = nullptr;    // the template
    const Descriptor* changes = nullptr;  // the sandbox's tree `root`
    std::uint32_t ids = 0;
    std::uint32_t lower_ids = 0;
};

// What stands in the arguments of bubblewrap, and of berth-root that becomes it, for the sandbox of this id: so it is
// found when whoever launched it was killed before anybody could answer.
[[nodiscard]] std::vector<std::string> launch_mark(const std::string& id);

struct LaunchPlan {
    std::string id;                        // the sandbox's
    std::string bubblewrap;                // its path
    const Descriptor* init = nullptr;      // berth-init, open for reading
    const Descriptor* listener = nullptr;  // its socket
    const Descriptor* name = nullptr;      // a handle on the socket's name: without one, nobody can reach it any more
    std::int64_t look_ms = 0;              // how often it looks whether the name is still there, to end itself when not
    const Descriptor* etc = nullptr;
    const Descriptor* workspace = nullptr;
    const Descriptor* home = nullptr;
    const Descriptor* temporary = nullptr;
    const Descriptor* log = nullptr;   // takes what bubblewrap says
    const Descriptor* note = nullptr;  // takes init's word that the time is over; absent: it may live for ever
    std::int64_t life_ms = 0;          // 0 = no limit, as below
    std::int64_t idle_ms = 0;
    Network network = Network::none;
    const std::vector<Descriptor>* groups = nullptr;  // control groups to join: their cgroup.procs, open for writing
    UserNamespaces user_namespaces = UserNamespaces::off;  // whether what runs inside may make its own
    std::optional<std::uint32_t> uid;                      // the account to become first, when we are root
    std::optional<TemplatePlan> root;                      // absent: the host's, and `etc` to `temporary` are needed
};

// What is run, beginning with its path: bubblewrap, or berth-root that becomes it; separate from `launch` so that a test can read them.
[[nodiscard]] std::vector<std::string> launch_arguments(const LaunchPlan& plan);

// Starts it and returns at once; no child of ours is left to wait for. Whether it came up is asked through the socket:
// it is closed when not. Throws ISOLATION_UNAVAILABLE when bubblewrap cannot be run at all. The number is that of the
// process and of its group, which whatever it starts stays in until the first process is one.
pid_t launch(const LaunchPlan& plan);

// Why no sandbox can be made on this machine, in one line, as far as that can be known beforehand; empty: nothing seen.
[[nodiscard]] std::string closed_namespaces();

}  // namespace berth_local
