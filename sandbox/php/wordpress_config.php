<?php
// wp-config.php of the sandbox; all that differs from home to home comes from the environment.
define('DB_NAME', 'wordpress');
define('DB_USER', 'wordpress');
define('DB_PASSWORD', getenv('SANDBOX_DB_PASSWORD'));
define('DB_HOST', '127.0.0.1:' . getenv('SANDBOX_DB_PORT'));
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
$table_prefix = 'wp_';

foreach (['AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY',
          'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT'] as $name) {
    define($name, hash_hmac('sha256', $name, getenv('SANDBOX_SECRET')));
}

define('WP_HOME', getenv('SANDBOX_URL'));
define('WP_SITEURL', getenv('SANDBOX_URL'));
define('WP_CONTENT_DIR', getenv('SANDBOX_SITE') . '/wp-content');

define('WP_ENVIRONMENT_TYPE', 'local');      // else application passwords ask for https
define('WP_HTTP_BLOCK_EXTERNAL', true);      // no update checks, no pings: this machine only
define('AUTOMATIC_UPDATER_DISABLED', true);
define('DISALLOW_FILE_MODS', true);
define('DISABLE_WP_CRON', true);             // else some requests start others

require_once ABSPATH . 'wp-settings.php';
