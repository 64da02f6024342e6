<?php
// LocalSettings.php of the sandbox; all that differs from home to home comes from the environment.
$wgSitename = 'Wiki';
$wgMetaNamespace = 'Project';
$wgServer = getenv('SANDBOX_URL');
$wgScriptPath = '';
$wgArticlePath = '/wiki/$1';
$wgResourceBasePath = '';
$wgSecretKey = getenv('SANDBOX_SECRET');
$wgAuthenticationTokenVersion = '1';
$wgLanguageCode = 'en';
$wgLocaltimezone = 'Europe/Berlin';
$wgLogos = ['icon' => '/resources/assets/change-your-logo-icon.svg'];

$wgDBtype = 'sqlite';
$wgDBname = 'wiki';
$wgSQLiteDataDir = getenv('SANDBOX_DATA');
// The files that the installer has made beside the wiki's own, so that these do not wait for each other.
$beside = fn (string $name): array => [
    'type' => 'sqlite', 'dbname' => $name, 'tablePrefix' => '', 'variables' => ['synchronous' => 'NORMAL'],
    'dbDirectory' => $wgSQLiteDataDir, 'trxMode' => 'IMMEDIATE', 'flags' => 0,
];
$wgObjectCaches[CACHE_DB] = [
    'class' => SqlBagOStuff::class, 'loggroup' => 'SQLBagOStuff', 'server' => $beside('wikicache')];
$wgObjectCaches['db-replicated'] = ['factory' => 'ObjectCache::getInstance', 'args' => [CACHE_DB]];
$wgLocalisationCacheConf['storeServer'] = $beside('wiki_l10n_cache');
$wgJobTypeConf['default'] = ['class' => 'JobQueueDB', 'claimTTL' => 3600, 'server' => $beside('wiki_jobqueue')];
$wgMainCacheType = CACHE_DB;
$wgResourceLoaderUseObjectCacheForDeps = true;
$wgCacheDirectory = getenv('SANDBOX_DATA') . '/cache';
$wgTmpDirectory = getenv('SANDBOX_DATA') . '/cache';

$wgEnableUploads = true;
$wgUploadDirectory = getenv('SANDBOX_DATA') . '/images';
$wgUploadPath = '/images';
$wgEnableEmail = true;                       // accounts have addresses; what is sent goes nowhere
$wgEnableUserEmail = false;
$wgEmailAuthentication = false;
$wgPasswordSender = 'wiki@halbrueck.example';
$wgEmergencyContact = 'wiki@halbrueck.example';
$wgPingback = false;
$wgRateLimits = [];
$wgPasswordConfig['pbkdf2']['cost'] = '1000';  // sign-ins of tests, not worth a tenth of a second each
$wgRunJobsAsync = false;                      // else some requests start others
$wgDiff3 = '/usr/bin/diff3';

// A company's wiki: everyone reads, colleagues write, accounts are made by administrators.
$wgGroupPermissions['*']['edit'] = false;
$wgGroupPermissions['*']['createaccount'] = false;
// What Landbridge may do besides: delete and restore, see what was deleted, mark its edits as a bot's.
$wgGroupPermissions['landbridge'] = array_fill_keys(
    ['bot', 'autoconfirmed', 'apihighlimits', 'delete', 'undelete', 'deletedhistory', 'deletedtext',
     'suppressredirect', 'applychangetags'], true);

$wgDefaultSkin = 'vector';
wfLoadSkin('Vector');
