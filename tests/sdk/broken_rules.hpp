// For the tests that break a rule of the contract: raw methods instead of the face's, and the breach that was caught.
#pragma once

#include <string>
#include <string_view>

#include "scripted_plugin.hpp"

namespace fake_host_rules {

using namespace berth;
using testing::FakeHost;
using testing::Instance;

/// The scripted plugin's table with single methods replaced by raw ones.
struct Raw {
    Raw() { plugin.methods = &methods; }
    berth_methods methods = *berth_plugin_v1(0)->methods;
    berth_plugin plugin = *berth_plugin_v1(0);
    Script script;
};

/// The one breach there is, or all of them in one line.
inline std::string breach(FakeHost& host) {
    std::string all;
    for (const std::string& one : host.rules().take())
        all += (all.empty() ? "" : " | ") + one;
    return all;
}

inline bool begins(const std::string& text, std::string_view with) {
    return text.compare(0, with.size(), with) == 0;
}

/// Runs a process method that the face would not allow to misbehave so.
inline std::string process_breach(berth_status (*execute)(void*, berth_call*, berth_str, const berth_process*,
                                                          berth_process_sink*),
                                  const testing::ProcessRequest& request = {"sh"}) {
    FakeHost host;
    Raw raw;
    raw.methods.execute_stream = execute;
    Instance instance{host, &raw.plugin};
    (void)instance.execute_stream("one", request);
    return breach(host);
}

inline berth_status finish(berth_process_sink* sink, std::int32_t kind = BERTH_ENDED_EXITED, std::int32_t code = 0) {
    berth_process_end end{};
    end.size = sizeof end;
    end.kind = kind;
    end.exit_code = code;
    return sink->ended(sink, &end);
}

inline berth_bytes bytes(std::string_view text) {
    return berth::detail::bytes(text);
}

}  // namespace fake_host_rules
