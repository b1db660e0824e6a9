#include "templates.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "failure.hpp"
#include "subordinate_ids.hpp"

namespace berth_local {
namespace {

bool belongs_to(const TemplateSource& source, std::uint32_t ids) {
    struct stat info {};
    return source.is_directory && ::fstat(source.opened.get(), &info) == 0 && info.st_uid == ids;
}

}  // namespace

std::string root_mount_of(const TemplateRoot& root) {
    return root.tree_ids == root.ids ? "overlay userxattr" : "overlay userxattr on an id-mapped template";
}

Templates::Templates(std::map<std::string, std::string> paths, std::string cache, CachePrograms programs,
                     const Trees& trees, const UidClaims* blocks)
    : paths_(std::move(paths)), trees_(trees), cache_(std::move(cache), std::move(programs), trees), blocks_(blocks) {
    for (const auto& [name, path] : paths_) {
        if (name == host_template) {
            throw refusal(BERTH_INVALID_ARGUMENT,
                          "templates: the name `host` is taken: it is the root made of this machine's /usr",
                          "give the template another name");
        }
        if (path.empty() || path.front() != '/') {
            throw refusal(BERTH_INVALID_ARGUMENT, "templates: the path of " + name + " is not absolute");
        }
    }
}

Templates::Ready Templates::prepare(const std::string& name, Caller& caller,
                                    const std::function<bool(const std::string&)>& in_use) const {
    const std::string& path = path_of(name);
    std::optional<std::uint32_t> range;
    if (blocks_ == nullptr) {
        const SubordinateIds ids = subordinate_ids();
        if (!ids.first) {
            throw refusal(BERTH_UNSUPPORTED, "a template needs a range of ids: " + ids.missing, ids.remedy);
        }
        range = ids.first;
    }
    const TemplateSource source = source_of(name, range);
    if (source.is_directory && !range) {
        return {{name, path, 0, 0}, {}};
    }
    if (range && belongs_to(source, *range)) {
        return {{name, path, *range, *range}, {}};
    }
    TemplateCache::Entry entry =
        cache_.get(source, caller, [&](const std::string& owner) { return range ? *range : blocks_->claim(owner); });
    if (entry.made) {
        remove_old(range, in_use);
    }
    return {{name, entry.tree, entry.ids, range.value_or(0)}, std::move(entry.lock)};
}

std::string Templates::state_of(const TemplateRoot& root) const {
    const std::optional<std::string> key = cache_.key_of(root.tree);
    return key ? *key : trees_.state(root.tree, root.tree_ids);
}

const std::string& Templates::path_of(const std::string& name) const {
    const auto found = paths_.find(name);
    if (found != paths_.end()) {
        return found->second;
    }
    std::string names = host_template;
    for (const auto& [known, path] : paths_) {
        names += ", " + known;
    }
    throw refusal(BERTH_TEMPLATE_NOT_FOUND, "there is no template " + name + "; there are: " + names,
                  "name one of them, or add it to `templates` in the provider's config");
}

TemplateSource Templates::source_of(const std::string& name, std::optional<std::uint32_t> range) const {
    TemplateSource source = open_source(name, paths_.at(name), range);
    if (range) {
        source.key += "-" + std::to_string(*range);  // its files would belong to another one
    }
    return source;
}

void Templates::remove_old(std::optional<std::uint32_t> range,
                           const std::function<bool(const std::string&)>& in_use) const {
    std::set<std::string> wanted;
    for (const auto& [name, path] : paths_) {
        try {
            wanted.insert(source_of(name, range).key);
        } catch (const Failure&) {
            return;  // out of sight is not out of use
        }
    }
    cache_.remove_others(wanted, in_use, [&](std::uint32_t ids, const std::string& owner) {
        if (blocks_ != nullptr) {
            blocks_->release(ids, owner);
        }
    });
}

}  // namespace berth_local
