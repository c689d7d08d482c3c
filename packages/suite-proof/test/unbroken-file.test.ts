import { describeUnbroken } from './unbroken.ts';

describeUnbroken('file');
