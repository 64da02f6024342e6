<?php
// Installs WordPress and prints as JSON the application passwords of its two technical accounts.
// Arguments on standard input, as JSON: title, admin_email, admin_password, integration_email.
$want = json_decode(stream_get_contents(STDIN), true, 8, JSON_THROW_ON_ERROR);
$_SERVER['HTTP_HOST'] = parse_url(getenv('SANDBOX_URL'), PHP_URL_HOST);
define('WP_INSTALLING', true);
require ABSPATH . 'wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';

if (!is_blog_installed()) {
    wp_install($want['title'], 'admin', $want['admin_email'], true, '', $want['admin_password']);
    foreach (get_posts(['post_type' => 'any', 'post_status' => 'any', 'numberposts' => -1]) as $sample) {
        wp_delete_post($sample->ID, true);
    }
}

// An intranet's settings: local time, readable addresses, only colleagues comment, no picture service outside.
$options = ['timezone_string' => 'Europe/Berlin', 'permalink_structure' => '/%postname%/',
            'comment_registration' => 1, 'comment_previously_approved' => 0, 'show_avatars' => 0,
            'default_ping_status' => 'closed', 'default_pingback_flag' => 0,
            'comments_notify' => 0, 'moderation_notify' => 0];
foreach ($options as $name => $value) {
    update_option($name, $value);
}
$GLOBALS['wp_rewrite']->init();
$GLOBALS['wp_rewrite']->flush_rules(false);

// What Landbridge may do: accounts, other people's posts, comments in other people's names. No settings, no code.
remove_role('landbridge');
add_role('landbridge', 'Landbridge', array_fill_keys(
    ['read', 'list_users', 'create_users', 'edit_users', 'promote_users', 'moderate_comments', 'manage_categories',
     'upload_files', 'edit_posts', 'edit_others_posts', 'edit_published_posts', 'edit_private_posts',
     'read_private_posts', 'publish_posts', 'delete_posts', 'delete_others_posts', 'delete_published_posts'], true));
function technical_account(string $login, string $email, string $role): array {
    $id = username_exists($login) ?: wp_insert_user([
        'user_login' => $login, 'user_email' => $email, 'user_pass' => wp_generate_password(40), 'role' => $role]);
    WP_Application_Passwords::delete_all_application_passwords($id);
    [$secret] = WP_Application_Passwords::create_new_application_password($id, ['name' => 'Landbridge sandbox']);
    return ['login' => $login, 'id' => $id, 'password' => $secret];
}

echo json_encode([
    'admin' => technical_account('admin', $want['admin_email'], 'administrator'),
    'integration' => technical_account('landbridge', $want['integration_email'], 'landbridge'),
]);
