// A range of ids for tests of templates, and an honest end where there is none.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "local/features.hpp"
#include "local/subordinate_ids.hpp"
#include "local/uid_range.hpp"

namespace room {

// Before any case: a machine or user without a range of ids cannot run these, and says so instead of passing.
inline bool need_range_of_ids() {
    berth_local::Settings settings;
    settings.own_accounts = ::geteuid() == 0;
    settings.template_uid_range = berth_local::default_template_uid_range();
    for (const berth_local::WithdrawnFeature& feature : berth_local::withdrawn_features(settings)) {
        if (feature.name == "template") {
            std::fprintf(stderr, "skipped: %s\n", feature.reason.c_str());
            std::_Exit(77);
        }
    }
    return true;
}

// Its first: of the user, or as root the end of what Berth reserves, where the tests have no sandboxes.
inline std::uint32_t range_of_ids() {
    const berth_local::UidRange reserved = berth_local::default_template_uid_range();
    return ::geteuid() == 0 ? reserved.first + reserved.count - berth_local::ids_of_a_template
                            : berth_local::subordinate_ids().first.value_or(0);
}

}  // namespace room
