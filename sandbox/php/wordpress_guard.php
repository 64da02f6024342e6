<?php
/*
Plugin Name: Landbridge stays below administrators
Description: WordPress lets every account that may edit users make itself an administrator. Not this one.
*/

const LANDBRIDGE_ROLE = 'landbridge';

function landbridge_is_below($user_id): bool {
    $user = get_userdata((int) $user_id);
    return $user && in_array(LANDBRIDGE_ROLE, $user->roles, true);
}

// WordPress takes another method than the request's own from these two places, so that a GET may well write.
function landbridge_only_looks(): bool {
    return defined('REST_REQUEST') && REST_REQUEST && $_SERVER['REQUEST_METHOD'] === 'GET'
        && !isset($_GET['_method']) && !isset($_SERVER['HTTP_X_HTTP_METHOD_OVERRIDE']);
}

// Accounts that administer may be seen, for they are colleagues too, but not changed ...
add_filter('map_meta_cap', function (array $caps, string $cap, $user_id, array $args): array {
    $reaches_for_account = in_array($cap, ['edit_user', 'promote_user', 'delete_user', 'remove_user'], true);
    if ($reaches_for_account && isset($args[0]) && (int) $args[0] !== (int) $user_id
        && landbridge_is_below($user_id) && user_can((int) $args[0], 'manage_options') && !landbridge_only_looks()) {
        $caps[] = 'do_not_allow';
    }
    return $caps;
}, 10, 4);

// ... and so are roles that administer, or that may do this very thing.
add_filter('editable_roles', function (array $roles): array {
    if (!landbridge_is_below(get_current_user_id())) {
        return $roles;
    }
    return array_filter($roles, fn (array $role): bool =>
        empty($role['capabilities']['manage_options']) && empty($role['capabilities']['edit_users']));
});
