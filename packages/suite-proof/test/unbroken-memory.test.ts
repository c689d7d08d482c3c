import { describeUnbroken } from './unbroken.ts';

describeUnbroken('memory');
