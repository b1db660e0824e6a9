// The templates of a provider: from a name in its configuration to the tree that roots are made from.
//
// A directory is used as it is where its ids can be had: as root by an id-mapped mount, otherwise when it belongs to the
// user's range. Everything else is unpacked once, see template_cache.hpp. Knows nothing of sandboxes.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "caller.hpp"
#include "record.hpp"
#include "template_cache.hpp"
#include "trees.hpp"
#include "uid_range.hpp"

namespace berth_local {

inline constexpr const char* host_template = "host";  // the root that is no template

// How its root is put together, in words for `inspect`.
[[nodiscard]] std::string root_mount_of(const TemplateRoot& root);

class Templates {
public:
    // A template made ready for one sandbox more. Until `lock` is closed it stays, whatever happens to its source.
    struct Ready {
        TemplateRoot root;  // without the sandbox's ids, unless they are the same for all: an ordinary user's
        Descriptor lock;
    };

    // `paths`: name to directory or tar file, absolute. `cache`: the directory of what is unpacked. `blocks`: as root,
    // where ids come from.
    Templates(std::map<std::string, std::string> paths, std::string cache, CachePrograms programs, const Trees& trees,
              const UidClaims* blocks);

    // Which state the tree of this root is in: another one as soon as the template has changed. A directory that is used
    // as it is gets looked through for that; what is unpacked never changes. Throws TEMPLATE_NOT_FOUND.
    [[nodiscard]] std::string state_of(const TemplateRoot& root) const;

    // Throws TEMPLATE_NOT_FOUND with the names there are; UNSUPPORTED when this user has no range of ids. `in_use` says
    // whether anybody's root comes from that tree.
    [[nodiscard]] Ready prepare(const std::string& name, Caller& caller,
                                const std::function<bool(const std::string&)>& in_use) const;

private:
    [[nodiscard]] const std::string& path_of(const std::string& name) const;
    [[nodiscard]] TemplateSource source_of(const std::string& name, std::optional<std::uint32_t> range) const;
    void remove_old(std::optional<std::uint32_t> range, const std::function<bool(const std::string&)>& in_use) const;

    std::map<std::string, std::string> paths_;
    const Trees& trees_;
    TemplateCache cache_;
    const UidClaims* blocks_;
};

}  // namespace berth_local
