// The templates of a provider: from a name in its configuration to the tree that roots are made from.
//
// A directory is used as it is. Knows nothing of sandboxes.
#pragma once

#include <map>
#include <string>

#include "record.hpp"

namespace berth_local {

inline constexpr const char* host_template = "host";  // the root that is no template

// How its root is put together, in words for `inspect`.
[[nodiscard]] std::string root_mount_of(const TemplateRoot& root);

class Templates {
public:
    // `paths`: name to directory, absolute.
    explicit Templates(std::map<std::string, std::string> paths);

    // Without the sandbox's ids. Throws TEMPLATE_NOT_FOUND with the names there are.
    [[nodiscard]] TemplateRoot find(const std::string& name) const;

private:
    std::map<std::string, std::string> paths_;
};

}  // namespace berth_local
