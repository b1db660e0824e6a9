#include "features.hpp"

#include "cgroup_layout.hpp"
#include "outbound.hpp"
#include "subordinate_ids.hpp"
#include "uid_range.hpp"

namespace berth_local {
namespace {

// Empty when templates work.
std::string why_no_templates(const Settings& settings) {
    if (!settings.own_accounts) {
        const SubordinateIds range = subordinate_ids();
        return range.first ? "" : "a template needs a range of ids, and " + range.missing + ": " + range.remedy;
    }
    if (!is_mapped(settings.template_uid_range)) {
        return "a template needs a range of ids, and /proc/self/uid_map does not have all of template_uid_range (" +
               std::to_string(settings.template_uid_range.first) + ", " +
               std::to_string(settings.template_uid_range.count) +
               " ids): set it to ids that it has, or give this container more";
    }
    return "";
}

void add_limits(std::vector<WithdrawnFeature>& withdrawn) {
    const CgroupLayout layout = cgroup_layout();
    const auto look = [&](Controller controller, const char* feature) {
        const CgroupParent parent = find_cgroup_parent(layout, controller);
        if (!parent) {
            withdrawn.push_back({feature, parent.reason});
        }
    };
    look(Controller::memory, "memory_limit");
    look(Controller::cpu, "cpu_limit");
    look(Controller::pids, "pids_limit");
    withdrawn.push_back({"disk_limit",
                         "the provider local has no way yet to bound what one sandbox writes: give state_dir a file "
                         "system of its own to bound what all of them write together"});
    // Of one process: memory and CPU.
    if (const CgroupParent memory = find_cgroup_parent(layout, Controller::memory); !memory) {
        withdrawn.push_back({"process_limits", memory.reason});
    } else {
        look(Controller::cpu, "process_limits");
    }
}

}  // namespace

std::vector<WithdrawnFeature> withdrawn_features(const Settings& settings) {
    std::vector<WithdrawnFeature> withdrawn;
    if (std::string reason = why_no_templates(settings); !reason.empty()) {
        withdrawn.push_back({"template", std::move(reason)});
    }
    if (std::string reason = outbound_obstacle(settings.slirp); !reason.empty()) {
        withdrawn.push_back({"network_outbound", std::move(reason)});
    }
    add_limits(withdrawn);
    return withdrawn;
}

}  // namespace berth_local
